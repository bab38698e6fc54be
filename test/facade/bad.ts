/** Tests of calls with invalid arguments: a description of the arguments, the call, and a part of the error message. */

import { ValueError } from 'lstm-wasm';
import { expect, test } from 'vitest';

export type Bad = [what: string, call: () => unknown, message?: string];

/** Hides the type of an argument that the compiler would reject. */
// biome-ignore lint/suspicious/noExplicitAny: the tests pass invalid arguments
export const wrong = (value: unknown): any => value;

/** Tests that each call throws a ValueError of one sentence that starts with `name`. */
export function describeBad(name: string, bad: Bad[]): void {
  test.each(bad)(`${name} rejects %s`, (_, call, message = '') => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error, 'must throw a ValueError').toBeInstanceOf(ValueError);
    const text = (error as ValueError).message;
    expect(text.slice(0, name.length + 2)).toBe(`${name}: `);
    expect(text).toMatch(/^\S+: [^\n]+[^\n.]$/);
    expect(text).toContain(message);
  });
}
