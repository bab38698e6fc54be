/**
 * The type of `kernels` in `import kernels from 'lstm-wasm/kernels.wasm'`, for `init({ module: kernels })`. Cloudflare
 * Workers and some bundlers import wasm files as modules. This file contains types only.
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
