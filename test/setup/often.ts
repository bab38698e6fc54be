/**
 * How much of a test `npm test` does. All of it is done where LSTM_WASM_OFTEN is set, as the step `tests` of
 * `npm run verify` sets it; vitest.config.ts leaves out whole files by the same rule.
 */

/** Whether all is done. */
export const everything = Boolean(process.env.LSTM_WASM_OFTEN);

/** How often the same is tried again, with other numbers or at another moment: a quarter of the times. */
export const often = (times: number): number => (everything ? times : Math.ceil(times / 4));

/** The cases of a table of kernels: all of them on the build that ships, every third on the others. */
export const some = <T>(cases: T[]): T[] =>
  everything || process.env.LSTM_WASM_BUILD === 'strict' ? cases : cases.filter((_, n) => n % 3 === 0);
