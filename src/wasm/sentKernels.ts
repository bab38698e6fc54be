/**
 * The kernels of threads. A page that starts a thread sends it the kernels, because it has them anyway: the files of the
 * threads are built without (vite.config.ts), so that the page loads them once.
 */

import { version } from '../../package.json' with { type: 'json' };
import { fail } from '../util/errors.ts';
import type { KernelModule } from './decode.ts';
import { strictHash } from './modules/hash.generated.ts';

/** Kernels in a message to a thread. */
export interface SentKernels {
  /** The version of the package that sends them, for threads of another version: its form must not change. */
  readonly build: string;
  readonly modules: readonly KernelModule[];
}

const build = `${version} (kernels ${strictHash.slice(0, 8)})`;

export const sentKernels = (modules: readonly KernelModule[]): SentKernels => ({ build, modules });

/** Whether a field of a message has kernels. */
export const isSentKernels = ({ build, modules }: { readonly [name in keyof SentKernels]?: unknown }): boolean =>
  typeof build === 'string' && Array.isArray(modules) && modules.every(isKernelModule);

const isKernelModule = ({ name, text, others }: { readonly [name in keyof KernelModule]?: unknown }): boolean =>
  typeof name === 'string' && typeof text === 'string' && Array.isArray(others);

/** What a thread has received. */
const received = new Map<string, KernelModule>();
let sender: string | null = null;

/** Keeps what the page has sent to this thread. */
export function receiveKernels(sent: SentKernels): void {
  sender = sent.build;
  if (sender !== build) return;
  for (const module of sent.modules) if (!received.has(module.name)) received.set(module.name, module);
}

/** Fails if the page has sent no kernels, or those of another version. */
export function checkReceived(call: string): void {
  if (sender === build) return;
  const version = sender === null ? 'the older version of lstm-wasm' : `lstm-wasm ${sender}`;
  fail(call, `the worker must run ${version} that the program has, got ${build}`);
}

/** @internal The module of a group, whose kernels this thread receives. Stands for the module in the files of threads. */
export function receivedModule(name: string, structures: KernelModule['structures']): KernelModule {
  const find = () => received.get(name) ?? fail('lstm-wasm', `the worker must have received the kernels '${name}'`);
  return {
    name,
    structures,
    get text() {
      return find().text;
    },
    get others() {
      return find().others;
    },
  };
}
