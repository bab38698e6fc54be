/** Calls that must be refused: what is wrong about each, and, where that can be told, a part of the message. */

import { ValueError } from 'lstm-wasm';
import { expect, test } from 'vitest';

export type Bad = [what: string, call: () => unknown, message?: string];

/** What a type would refuse. */
// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
export const wrong = (value: unknown): any => value;

/** Every one throws a ValueError of one sentence that starts with `name`. */
export function describeBad(name: string, bad: Bad[]): void {
  test.each(bad)(`${name}: %s`, (_, call, message = '') => {
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
