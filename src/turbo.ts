/**
 * `lstm-wasm/turbo`, experimental: makes the kernels faster in Node, by V8 flags that are off by default.
 *
 *   import 'lstm-wasm/turbo'; // before the package
 *   import { backendInfo } from 'lstm-wasm';
 *   backendInfo().turbo; // ['revectorize'], or [] if there is no flag for this host
 *
 * Node 20 (from 20.16) gets relaxed SIMD, which later versions enable by default. Node 24 and later on x64 get the
 * revectorizer: V8 joins pairs of 128-bit operations into 256-bit ones where the CPU has AVX2; what the strict kernels
 * compute stays the same to the bit. On other hosts, or once kernels are running, importing this does nothing.
 *
 * The flags apply to all WebAssembly that the process compiles afterwards. V8 considers both experimental.
 */

import { type TurboFlag, turbo } from './wasm/turbo.ts';

if (!turbo.started && turbo.flags.length === 0) turbo.flags = enableFlags();

function enableFlags(): readonly TurboFlag[] {
  // No static import of node:v8, because browsers and bundlers cannot resolve it. Bun, Deno and Electron imitate Node
  const host = globalThis.process;
  const v8 = host?.getBuiltinModule?.('node:v8');
  if (!v8 || !host.versions?.node || host.versions.bun || host.versions.deno || host.versions.electron) return [];

  const major = Number.parseInt(host.versions.node, 10);
  if (major === 20) {
    v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
    return ['relaxed-simd'];
  }
  if (major >= 24 && host.arch === 'x64') {
    v8.setFlagsFromString('--experimental-wasm-revectorize');
    return ['revectorize'];
  }
  return [];
}
