/** The live numbers in the text: those of a cell, and the terms of its equations. */

import { type Choice, type Look, valuesAt } from './look.ts';

/** By their names in the text, `plain.h` or `sum.kept`. */
export function numbersAt(look: Look, choice: Choice): Record<string, number> {
  const [plain, gated] = [valuesAt(look, look.plain, choice), valuesAt(look, look.gated, choice)];
  const named = (side: string, values: object) =>
    Object.entries(values).map(([name, value]): [string, number] => [`${side}.${name}`, value]);
  return Object.fromEntries([...named('plain', plain), ...named('gated', gated), ...named('sum', sums(gated))]);
}

function sums({ i, f, g, c, z, n, previousC, previousH }: ReturnType<typeof valuesAt>): Record<string, number> {
  if (f !== undefined) return { kept: f * previousC!, added: i! * g!, squashed: Math.tanh(c!) };
  return { kept: z! * previousH!, added: (1 - z!) * n!, open: 1 - z! };
}
