/** Models in worker threads of the built package, for the tests of them. */

import type * as Core from 'lstm-wasm';
import type * as Workers from 'lstm-wasm/worker';
import type { Host, RemoteSequential } from 'lstm-wasm/worker';

export const built = (name: string) =>
  import(/* @vite-ignore */ new URL(`../../dist/${name}.js`, import.meta.url).href);
export const lw: typeof Core = await built('index');
export const { connect }: typeof Workers = await built('worker');

lw.configure({ simd: 'strict' });
const hosts: Host[] = [];
export const start = (seed = 7) => {
  hosts.push(connect({ seed, simd: 'strict' }));
  return hosts.at(-1)!;
};
/** Terminates the hosts of the test that has ended. */
export const terminateHosts = () => Promise.all(hosts.splice(0).map(host => host.terminate()));

const { layers, train } = lw;
export const fitLayers = () => [
  layers.gru({ units: 6, inputShape: [5, 2], dropout: 0.2 }),
  layers.dropout({ rate: 0.3 }),
  layers.gaussianNoise({ stddev: 0.1 }),
  layers.dense({ units: 1 }),
];
export const mse = () => ({ optimizer: train.adam(0.01), loss: 'mse', metrics: ['mae'] }) as const;
export const numbers = (count: number, turn: number) =>
  Float32Array.from({ length: count }, (_, n) => Math.sin(n * turn));
/** The samples and targets of `fitLayers`. */
export const [x, y] = [numbers(640 * 10, 0.7), numbers(640, 0.3)];
export const endless = { epochs: 1e6, verbose: 0 } as const;

/** The class and the message of the error with which a promise is rejected. */
export const messageOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: Error) => `${error.constructor.name} ${error.message}`,
  );

export async function small(host = start()): Promise<RemoteSequential> {
  const model = await host.sequential({ layers: fitLayers() });
  await model.compile(mse());
  return model;
}
