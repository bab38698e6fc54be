// Models that are built both in PyTorch and here, described in fixtures/safetensors/cases.json.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { layers, type Sequential, sequential } from 'lstm-wasm';
import { type Modules, readSafetensors } from 'lstm-wasm/safetensors';

/** The Python of the system, for which PyTorch is a package; `python3` in the path may be another one. */
const PYTHON = '/usr/bin/python3';

export const fixtures = fileURLToPath(new URL('fixtures/safetensors/', import.meta.url));

export const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, numpy'], { stdio: 'ignore' }).status === 0;

/** Runs torch_models.py. */
export function runTorch(...args: string[]): void {
  const { status, stderr } = spawnSync(PYTHON, [`${fixtures}torch_models.py`, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`torch_models.py ${args.join(' ')}:\n${stderr}`);
}

export interface TorchCase {
  readonly name: string;
  /** Name, class and options of each module, in the order in which they are applied. */
  readonly modules: readonly (readonly [string, string, Readonly<Record<string, number | boolean | string>>])[];
  /** The shape of the input. */
  readonly shape: readonly number[];
  /** Whether the last recurrent module returns only its last time step. */
  readonly last?: boolean;
}

export const cases: readonly TorchCase[] = JSON.parse(readFileSync(`${fixtures}cases.json`, 'utf8'));

/** The model of a case, and the names of the layers that correspond to each PyTorch module. */
export function modelOf({ modules, shape, last = false }: TorchCase): { model: Sequential; modules: Modules } {
  const model = sequential();
  const layerNames: Record<string, string[]> = {};
  const lastRecurrent = modules.findLastIndex(([, kind]) => ['LSTM', 'GRU', 'RNN', 'MinGRU', 'MinLSTM'].includes(kind));
  for (const [n, [module, kind, options]] of modules.entries()) {
    const count = (options.num_layers as number) ?? 1;
    layerNames[module] = [];
    for (let level = 0; level < count; level++) {
      const name = `${module || 'alone'}_${level}`;
      const first = n === 0 && level === 0 ? { inputShape: [...shape.slice(1)] } : {};
      layerNames[module]!.push(name);
      const sequences = !last || n < lastRecurrent || level < count - 1;
      model.add(layerOf(kind, options, { name, ...first }, sequences));
    }
  }
  return { model, modules: layerNames };
}

type Options = TorchCase['modules'][number][2];

function layerOf(kind: string, options: Options, common: { name: string; inputShape?: number[] }, sequences: boolean) {
  const useBias = (options.bias as boolean) ?? true;
  if (kind === 'Embedding') {
    const [inputDim, outputDim] = [options.num_embeddings as number, options.embedding_dim as number];
    return layers.embedding({ inputDim, outputDim, ...common });
  }
  if (kind === 'BatchNorm1d' || kind === 'LayerNorm') {
    const has = ((options.affine ?? options.elementwise_affine) as boolean | undefined) ?? true;
    const settings = { center: has, scale: has, epsilon: (options.eps as number) ?? 1e-5, ...common };
    return kind === 'LayerNorm'
      ? layers.layerNormalization(settings)
      : layers.batchNormalization({ ...settings, momentum: 0.9 });
  }
  if (kind === 'Linear') return layers.dense({ units: options.out_features as number, useBias, ...common });
  const recurrent = { units: options.hidden_size as number, useBias, returnSequences: sequences };
  const activation = (options.nonlinearity as 'relu' | undefined) ?? 'tanh';
  const make = (more: object) => {
    const projection = options.proj_size ? { projectionUnits: options.proj_size as number } : {};
    if (kind === 'LSTM') return layers.lstm({ ...recurrent, ...projection, ...more });
    if (kind === 'GRU') return layers.gru({ ...recurrent, ...more });
    if (kind === 'MinGRU') return layers.minGRU({ ...recurrent, ...more });
    if (kind === 'MinLSTM') return layers.minLSTM({ ...recurrent, ...more });
    return layers.simpleRNN({ ...recurrent, activation, ...more });
  };
  return options.bidirectional ? layers.bidirectional({ layer: make({}), ...common }) : make(common);
}

/** The tensor of a file that has exactly one. */
export function readOnlyTensor(path: string) {
  return Object.values(readSafetensors(readFileSync(path)).tensors)[0]!;
}
