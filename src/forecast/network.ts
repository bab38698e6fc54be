/** The networks of a forecaster. */

import '../core/full.ts';
import {
  activation,
  add,
  concatenate,
  dense,
  embedding,
  flatten,
  gru,
  lstm,
  multiply,
  reshape,
} from '../layers/factories.ts';
import { type FunctionalModel, input, model, type Symbolic } from '../model/functional.ts';
import type { Settings } from './forecasterOptions.ts';
import type { Layout } from './forecastWindows.ts';

/** Features of the window that the decoder has for each step. */
const CONTEXT = 8;
/** The largest size of the vector of an embedded text. */
const LARGEST_EMBEDDING = 16;

/** The inputs of all networks of a forecaster. */
export function networkInputs({ decoding }: Settings, layout: Layout): Symbolic[] {
  const { horizon, inputSteps, segment, pastWidth, aheadWidth, stepWidth, outputWidth, numbers, counts } = layout;
  const isDirect = decoding === 'direct';
  const steps = isDirect ? horizon : null;
  return [
    ...(isDirect
      ? [
          input({ shape: [inputSteps / segment, segment * pastWidth], name: 'past' }),
          input({ shape: [horizon, aheadWidth], name: 'ahead' }),
        ]
      : [input({ shape: [null, stepWidth], name: 'steps' })]),
    input({ shape: [steps, outputWidth], name: 'base' }),
    ...(counts ? [input({ shape: [steps, outputWidth], name: 'factor' })] : []),
    ...(isDirect && numbers > 0 ? [input({ shape: [numbers], name: 'numbers' })] : []),
    ...layout.categories.map((_, n) => input({ shape: [isDirect ? 1 : null], name: `category${n}` })),
  ];
}

/** A network; its layers have names that end in `member`. */
export function buildNetwork(
  inputs: readonly Symbolic[],
  settings: Settings,
  layout: Layout,
  member: number,
  seed: number,
): FunctionalModel {
  const name: Naming = what => `${what}_${member}`;
  const build = settings.decoding === 'direct' ? buildDirect : buildRecursive;
  return model({ inputs, outputs: build(inputs, settings, layout, name), name: `forecaster_${member}`, seed });
}

type Naming = (what: string) => string;

/** A network for all steps: recurrent layers over the window, and a decoder that reads what is known of each step. */
function buildDirect(inputs: readonly Symbolic[], settings: Settings, layout: Layout, name: Naming): Symbolic {
  const { horizon, numbers, categories, counts } = layout;
  const queue = [...inputs];
  const next = () => queue.shift()!;
  let state = next();
  const [ahead, base] = [next(), next()];
  const factor = counts ? next() : null;
  state = recurrentLayers(state, settings, name, false);
  const properties: Symbolic[] = numbers > 0 ? [next()] : [];
  for (const [n, vectors] of embedded(queue, categories, name).entries()) {
    properties.push(flatten({ name: name(`vector${n}`) }).apply(vectors) as Symbolic);
  }
  if (properties.length > 0) {
    state = concatenate({ name: name('properties') }).apply([state, ...properties]) as Symbolic;
  }
  const flat = dense({ units: horizon * CONTEXT, name: name('context') }).apply(state) as Symbolic;
  const context = reshape({ targetShape: [horizon, CONTEXT], name: name('steps') }).apply(flat) as Symbolic;
  return headOf([context, ahead], base, factor, settings, layout, name);
}

/** A network for one step at a time, which reads the value before it. */
function buildRecursive(inputs: readonly Symbolic[], settings: Settings, layout: Layout, name: Naming): Symbolic {
  const { categories, counts } = layout;
  const queue = [...inputs];
  const next = () => queue.shift()!;
  let steps = next();
  const base = next();
  const factor = counts ? next() : null;
  if (categories.length > 0) {
    steps = concatenate({ name: name('properties') }).apply([steps, ...embedded(queue, categories, name)]) as Symbolic;
  }
  const state = recurrentLayers(steps, settings, name, true);
  return headOf([state, steps], base, factor, settings, layout, name);
}

function recurrentLayers(
  x: Symbolic,
  { cell, units, layers }: Settings,
  name: Naming,
  returnSequences: boolean,
): Symbolic {
  let state = x;
  for (let n = 1; n <= layers; n++) {
    const options = { units, returnSequences: returnSequences || n < layers, name: name(`encoder${n}`) };
    state = (cell === 'lstm' ? lstm(options) : gru(options)).apply(state) as Symbolic;
  }
  return state;
}

const embedded = (inputs: readonly Symbolic[], categories: readonly number[], name: Naming): Symbolic[] =>
  categories.map((inputDim, n) => {
    const outputDim = Math.min(LARGEST_EMBEDDING, Math.ceil(Math.sqrt(inputDim)) + 1);
    return embedding({ inputDim, outputDim, name: name(`embedding${n}`) }).apply(inputs[n]!) as Symbolic;
  });

/** The dense layers of each step, whose output is added to the naive forecast. */
function headOf(
  parts: Symbolic[],
  base: Symbolic,
  factor: Symbolic | null,
  { units, output }: Settings,
  { outputWidth }: Layout,
  name: Naming,
): Symbolic {
  const joined = concatenate({ name: name('joined') }).apply(parts) as Symbolic;
  const hiddenUnits = Math.max(16, Math.ceil(units / 2));
  const hidden = dense({ units: hiddenUnits, activation: 'relu', name: name('hidden') }).apply(joined) as Symbolic;
  // Zeros: training starts at the naive forecast
  const change = dense({ units: outputWidth, kernelInitializer: 'zeros', name: name('change') }).apply(
    hidden,
  ) as Symbolic;
  let result = add({ name: name('output') }).apply([change, base]) as Symbolic;
  if (factor) result = multiply({ name: name('scaled') }).apply([result, factor]) as Symbolic;
  if (output.kind === 'poisson') {
    result = activation({ activation: 'softplus', name: name('mean') }).apply(result) as Symbolic;
  }
  return result;
}
