/** Engines and tasks of the built package. */

import { createHash } from 'node:crypto';
import type * as Scale from 'lstm-wasm/scale';
import type { Engine, Json, Task, TaskParts } from 'lstm-wasm/scale';

/** A file of the built package. */
export const built = (name: string) =>
  import(/* @vite-ignore */ new URL(`../../dist/${name}.js`, import.meta.url).href);

export const scale: typeof Scale = await built('scale');
const { local, makeTask, putData } = scale;

const engines: Engine[] = [];

/** An engine that `closeEngines` closes. */
export function open(options?: Scale.LocalOptions): Engine {
  engines.push(local(options));
  return engines.at(-1)!;
}

export const closeEngines = () => Promise.all(engines.splice(0).map(engine => engine.close()));

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

export const put = ({ store }: Pick<Engine, 'store'>, value: unknown) => putData(store, value);

/** A task of a file in tasks/. */
export const fileTask = (name: string, input: Json, more: Partial<TaskParts> = {}): Promise<Task> =>
  makeTask({ kind: 'file', file: new URL(`./tasks/${name}.js`, import.meta.url), input, seed: 1, ...more });

export const wave = (count: number, phase = 0): Float64Array =>
  Float64Array.from({ length: count }, (_, n) => Math.sin(n / 3 + phase) + 0.1 * phase);

/** Samples and targets for tasks/train.js. */
export const samples = {
  xs: Array.from({ length: 16 }, (_, b) => Array.from({ length: 4 }, (_, t) => [Math.sin(4 * b + t)])),
  ys: Array.from({ length: 16 }, (_, b) => [Math.sin(4 * b + 4)]),
};
