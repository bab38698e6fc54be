/** entry.js in TypeScript. Compiled with nodenext and with bundler resolution, then run. */

import * as lw from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { connect, type Host } from 'lstm-wasm/worker';
import { type Found, program } from './program.js';

async function runProgram(simd: 'strict' | 'auto', place: 'here' | 'worker'): Promise<Found> {
  if (place === 'here') {
    lw.configure({ simd });
    return program({ lw, sineCosine, models: lw });
  }
  const host: Host = connect({ simd });
  try {
    return await program({ lw, sineCosine, models: host });
  } finally {
    await host.terminate();
  }
}

Object.assign(globalThis, { runProgram });

/** Never called: each of these must be a compile error. */
export function wrong(model: lw.Sequential): void {
  // @ts-expect-error an unknown option
  lw.layers.lstm({ unit: 20 });
  // @ts-expect-error an unknown loss
  model.compile({ optimizer: 'adam', loss: 'meanSquaredErrors' });
  // @ts-expect-error a tensor is not a number
  const first: number = model.predict([[[1]]]);
  void first;
}
