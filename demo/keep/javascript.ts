/** The sources of the tasks without their types. */

/** What is removed, with its replacement: only the syntax that the files in `tasks/` use. */
const types: readonly (readonly [RegExp, string])[] = [
  [/^type \w+ = .*;\n\n?/gm, ''],
  [/\btype \w+, /g, ''],
  // The parameters and the result of `batches`
  [/\}: \{[^}]*\}\)(?:: (?:Batches|Generator<\{[^}]*\}[^{]*>))? \{/g, '}) {'],
  [/\((\w+): (?:\(\) => )?\w+\)/g, '($1)'],
  [/new Array<\w+>/g, 'new Array'],
  [/ as (?:Tensor|const)\b/g, ''],
  // `x!`, but not `x != y`
  [/([\])])!(?!=)/g, '$1'],
];

export const javascriptOf = (source: string): string =>
  types.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), source);
