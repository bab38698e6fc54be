/**
 * Which names the functions of `metrics` stand for in `compile`. Apart from the functions, so that a bundle does without
 * them where the program does.
 */

const names = new WeakMap<object, string>();

/** Takes note of the functions of an object by their names in it. */
export function named<T extends Record<string, object>>(functions: T): T {
  for (const [name, metric] of Object.entries(functions)) names.set(metric, name);
  return functions;
}

/** The name for which a function of `metrics` stands in `compile`; null for any other. */
export function nameOfFunction(value: unknown): string | null {
  return typeof value === 'function' ? (names.get(value) ?? null) : null;
}
