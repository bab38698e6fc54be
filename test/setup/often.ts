/**
 * How often a test tries something at random: a quarter of the times in `npm test`, and all of them where LSTM_WASM_OFTEN
 * is set, as the step `properties` of `npm run verify` sets it.
 */
export const often = (times: number): number => (process.env.LSTM_WASM_OFTEN ? times : Math.ceil(times / 4));
