/**
 * What `import kernels from 'lstm-wasm/kernels.wasm'` gives where wasm files are imported as modules, as Cloudflare Workers
 * and some bundlers do it; for `init({ module: kernels })`. These are its types alone: nothing imports this file.
 */

declare const kernels: WebAssembly.Module;

export default kernels;
