// Reads the fixtures. See fixtures/README.md for their format and the origin of the numbers.
//
//   B batch, T time, D input width, U units, G = 4U

import { readFileSync } from 'node:fs';
import type { Tolerance } from './compare.ts';
import { type Block, block } from './reference/block.ts';
import type { LayerSpec } from './reference/model.ts';
import type { AdamConfig, OptimizerSpec } from './reference/optimizers.ts';

export type { Block } from './reference/block.ts';

/** One call of the model. The result of a train or predict step without `expect` is ignored. */
export type Step =
  | { op: 'train'; x: Block; y: Block; expect?: { loss: number } }
  | { op: 'predict'; x: Block; expect?: { output: Block } }
  | { op: 'resetStates' };

export interface ModelFixture {
  name: string;
  says: string;
  layers: LayerSpec[];
  compile: { optimizer: OptimizerSpec; loss: 'meanSquaredError' };
  /** In the order of `getWeights`, before the first step and after the last. */
  weights: Block[];
  final: { weights: Block[] };
  steps: Step[];
  tolerance: Tolerance;
}

/** Training and prediction up to step 500, with the same initial weights as `steps`. */
export interface LongRun {
  losses: { step: number; loss: number; rel: number }[];
  /** The median loss of the steps `from` to `to`, both included, must be less than `below`. */
  spans: { from: number; to: number; median: number; below: number }[];
}

export interface LstmFixture {
  sizes: { B: number; T: number; D: number; U: number };
  given: Record<'x' | 'kernel' | 'recurrentKernel' | 'bias' | 'h0' | 'c0' | 'dOutputs', Block>;
  expect: Record<'outputs' | 'h' | 'c' | 'dX' | 'dKernel' | 'dRecurrentKernel' | 'dBias' | 'dH0' | 'dC0', Block>;
  tolerance: Tolerance;
}

export interface AdamFixture {
  config: Required<AdamConfig>;
  /** [24], and [20,24]: 20 steps */
  weights: Block;
  gradients: Block;
  /** weights [20,24] after each step; m and v [24] after the last */
  expect: { weights: Block; m: Block; v: Block };
  tolerance: Tolerance & { momentsRel: number; momentsAbs: number };
}

export interface ActivationsFixture {
  x: Float64Array;
  tanh: Float64Array;
  sigmoid: Float64Array;
  tolerance: Tolerance;
}

export interface LikelihoodsFixture {
  losses: Record<
    'gaussianNLL' | 'studentTNLL' | 'negativeBinomialNLL' | 'poisson',
    { predictions: Block; targets: Block; expect: { losses: Block; gradient: Block } }
  >;
  tolerance: Tolerance;
}

export interface LstmVariantsFixture {
  cases: {
    name: string;
    sizes: { B: number; T: number; D: number; U: number; P: number };
    /** In the order of the layer. */
    weights: Block[];
    given: Record<'x' | 'h0' | 'c0', Block>;
    dOutputs: Block;
    expect: Record<'outputs' | 'h' | 'c' | 'dX' | 'dH0' | 'dC0', Block> & { dWeights: Block[] };
  }[];
  simpleRNN: {
    sizes: { B: number; T: number; D: number; U: number };
    weights: Block[];
    given: Record<'x' | 'h0', Block>;
    dOutputs: Block;
    expect: Record<'outputs' | 'dX' | 'dH0', Block> & { dWeights: Block[] };
  };
  tolerance: Tolerance;
}

export interface CtcFixture {
  cases: {
    blank: number;
    labels: number[][];
    /** The time steps of each sample. */
    lengths: number[];
    /** [B, T, classes] */
    logits: Block;
    expect: { losses: Block; gradient: Block };
  }[];
  tolerance: Tolerance;
}

export interface Fixtures {
  'seed-program': ModelFixture & { long: LongRun };
  'lstm-last-dense': ModelFixture;
  stacked: ModelFixture;
  'lstm-gradients': LstmFixture;
  adam: AdamFixture;
  activations: ActivationsFixture;
  likelihoods: LikelihoodsFixture;
  ctc: CtcFixture;
  'lstm-variants': LstmVariantsFixture;
}

/** A fixture with blocks as float64 arrays and with generated sine-to-cosine batches. */
export function readFixture<Name extends keyof Fixtures>(name: Name): Fixtures[Name] {
  const text = readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8');
  const fixture = JSON.parse(text, revive);
  for (const step of fixture.steps ?? []) {
    const [B, T] = fixture.layers[0].config.batchInputShape ?? [];
    if (step.x?.sineCosine !== undefined) step.x = sineCosine(step.x.sineCosine, B, T).x;
    if (step.y?.sineCosine !== undefined) step.y = sineCosine(step.y.sineCosine, B, T).y;
  }
  return fixture;
}

/** Converts NaN and infinities from strings, and blocks and the tables of `activations` to float64 arrays. */
function revive(key: string, value: unknown): unknown {
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  if (!Array.isArray(value)) return value;
  return ['data', 'x', 'tanh', 'sigmoid'].includes(key) ? Float64Array.from(value) : value;
}

/**
 * Batch k of the sine-to-cosine data, x and y [B,T,1]: sine and cosine of arange(kT, kT + TB) / (10 pi), computed in
 * float64 and rounded to float32.
 */
export function sineCosine(k: number, B: number, T: number): { x: Block; y: Block } {
  const time = Float64Array.from({ length: B * T }, (_, n) => (k * T + n) / (10 * Math.PI));
  const rounded = (f: (time: number) => number) =>
    block(
      [B, T, 1],
      time.map(t => Math.fround(f(t))),
    );
  return { x: rounded(Math.sin), y: rounded(Math.cos) };
}
