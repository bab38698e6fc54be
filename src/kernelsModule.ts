/**
 * What `import kernels from 'lstm-wasm/kernels.wasm'` gives where wasm files are imported as modules, as Cloudflare Workers
 * and some bundlers do it; for `init({ module: kernels })`. These are its types alone: nothing imports this file.
 */

/** `WebAssembly.Module`, where the program's libraries declare it: those of Node do so without 'DOM' only in part. */
export type KernelsModule = typeof globalThis extends { WebAssembly: { Module: { readonly prototype: infer Module } } }
  ? Module
  : object;

declare const kernels: KernelsModule;

export default kernels;
