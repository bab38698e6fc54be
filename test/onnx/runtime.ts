// Runs a model in ONNX Runtime.

import { type Tensor, tensor } from 'lstm-wasm';

// biome-ignore lint/suspicious/noExplicitAny: its types are not installed
export type Ort = any;

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Runs the model on our tensors. */
  run(feeds: { [name: string]: Tensor }): Promise<{ [name: string]: Tensor }>;
  close(): Promise<void>;
}

export async function open(ort: Ort, bytes: Uint8Array): Promise<Session> {
  const options = {
    executionProviders: [ort.env.wasm.numThreads === 1 ? 'wasm' : 'cpu'],
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  const session = await ort.InferenceSession.create(bytes, options);
  const ids = new Set(
    session.inputMetadata
      .filter(({ type }: { type: string }) => type === 'int64')
      .map(({ name }: { name: string }) => name),
  );
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    close: () => session.release(),
    async run(feeds) {
      const given = Object.entries(feeds).map(([name, value]) => {
        const data = value.dataSync();
        if (!ids.has(name)) return [name, new ort.Tensor('float32', data, value.shape)];
        return [name, new ort.Tensor('int64', BigInt64Array.from(data, BigInt), value.shape)];
      });
      const results: [string, { data: Float32Array; dims: number[] }][] = Object.entries(
        await session.run(Object.fromEntries(given)),
      );
      return Object.fromEntries(results.map(([name, { data, dims }]) => [name, tensor(data, [...dims])]));
    },
  };
}
