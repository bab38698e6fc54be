/**
 * A Cloudflare Worker. Workers must not compile WebAssembly, so the kernels are a module that is compiled at deployment.
 * `wrangler deploy` deploys the same program.
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
