/** Tests that invalid arguments are rejected. */

import { ValueError } from 'lstm-wasm';
import { expect, test } from 'vitest';

/** The problem of a call, the call, and a part of the expected message. */
export type InvalidCall = [problem: string, call: () => unknown, message?: string];

/** Passes arguments that their type does not allow. */
// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
export const wrong = (value: unknown): any => value;

/** The message of the ValueError that `call` throws, which must be one sentence that starts with `name`. */
export function messageOf(name: string, call: () => unknown): string {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error, `${name} must throw a ValueError`).toBeInstanceOf(ValueError);
  const { message } = error as ValueError;
  expect(message.slice(0, name.length + 2)).toBe(`${name}: `);
  expect(message).toMatch(/^\S+: [^\n]+[^\n.]$/);
  return message;
}

/** Tests that each call throws a ValueError whose message starts with `name` and contains the expected part. */
export function describeRejections(name: string, calls: InvalidCall[]): void {
  test.each(calls)(`${name} rejects %s`, (_, call, message = '') => {
    expect(messageOf(name, call)).toContain(message);
  });
}
