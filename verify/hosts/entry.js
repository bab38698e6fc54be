/** Imports the package by name and exposes the program: run directly by Node, Deno and Bun, bundled by bundlers. */

import * as lw from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import { connect } from 'lstm-wasm/worker';
import { program } from './program.js';

/** @typedef {(simd: 'strict' | 'auto' | 'threads', place: 'here' | 'worker') => Promise<import('./program.js').Found>} RunProgram */

/** @type {RunProgram} */
async function runProgram(simd, place) {
  const options = simd === 'threads' ? /** @type {const} */ ({ simd: 'strict', threads: 3 }) : { simd };
  if (place === 'here') {
    lw.configure(options);
    return program({ lw, sineCosine, models: lw });
  }
  const host = connect();
  try {
    await host.configure(options);
    return await program({ lw, sineCosine, models: host });
  } finally {
    await host.terminate();
  }
}

Object.assign(globalThis, { runProgram });
