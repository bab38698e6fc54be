/**
 * lstm-wasm/turbo, experimental: faster kernels in Node by flags of its V8 that are not on by default.
 *
 *   import 'lstm-wasm/turbo'; // before the package
 *   import { backendInfo } from 'lstm-wasm';
 *   backendInfo().turbo; // ['revectorize'], or [] where there is nothing to switch on
 *
 * Node 20 (from 20.16) gets relaxed SIMD, which later versions have anyway. Node 24 and later on x64 get the
 * revectorizer: V8 joins pairs of 128-bit operations into 256-bit ones where the CPU has AVX2; what the strict kernels
 * compute stays the same to the bit. Anywhere else, and when kernels run already, importing this does nothing.
 *
 * The flags hold for all WebAssembly that the process compiles from then on, and V8 calls both of them experimental.
 */

import { type TurboFlag, turbo } from './wasm/turbo.ts';

if (!turbo.started && turbo.flags.length === 0) turbo.flags = switchOn();

function switchOn(): readonly TurboFlag[] {
  // No import of node:v8: browsers and bundlers must never see one. Other runtimes imitate Node, with another V8 or none.
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
