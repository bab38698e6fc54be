/**
 * What `import kernels from 'lstm-wasm/kernels.wasm'` gives where wasm files are imported as modules, as Cloudflare Workers
 * and some bundlers do it; for `init({ module: kernels })`. This file holds types only.
 */

/**
 * `WebAssembly.Module`; `object` when the `lib` of the TypeScript program does not declare it, as in Node without
 * 'DOM'.
 */
export type KernelsModule = typeof globalThis extends { WebAssembly: { Module: { readonly prototype: infer Module } } }
  ? Module
  : object;

declare const kernels: KernelsModule;

export default kernels;
