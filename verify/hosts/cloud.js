/**
 * A Cloudflare Worker. Workers may not compile WebAssembly, so the kernels come as a module of their own, compiled when
 * the worker is deployed. The same program goes up by `wrangler deploy`.
 */

import * as lw from 'lstm-wasm';
import { sineCosine } from 'lstm-wasm/data';
import kernels from 'lstm-wasm/kernels.wasm';
import { program } from './program.js';

lw.init({ module: kernels });

export default {
  async fetch() {
    return Response.json(await program({ lw, sineCosine, models: lw }));
  },
};
