/** The networks of a forecaster: recurrent layers over the window, and a decoder that reads what is known of each step. */

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
export function networkInputs(layout: Layout): Symbolic[] {
  const { horizon, inputSteps, segment, pastWidth, aheadWidth, outputWidth, numbers, categories, counts } = layout;
  return [
    input({ shape: [inputSteps / segment, segment * pastWidth], name: 'past' }),
    input({ shape: [horizon, aheadWidth], name: 'ahead' }),
    input({ shape: [horizon, outputWidth], name: 'base' }),
    ...(counts ? [input({ shape: [horizon, outputWidth], name: 'factor' })] : []),
    ...(numbers > 0 ? [input({ shape: [numbers], name: 'numbers' })] : []),
    ...categories.map((_, n) => input({ shape: [1], name: `category${n}` })),
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
  const { horizon, outputWidth: width, numbers, categories, counts } = layout;
  const { cell, units, layers, output } = settings;
  const queue = [...inputs];
  const next = () => queue.shift()!;
  const name = (what: string) => `${what}_${member}`;
  let state = next();
  const [ahead, base] = [next(), next()];
  const factor = counts ? next() : null;
  for (let n = 1; n <= layers; n++) {
    const options = { units, returnSequences: n < layers, name: name(`encoder${n}`) };
    state = (cell === 'lstm' ? lstm(options) : gru(options)).apply(state) as Symbolic;
  }
  const properties: Symbolic[] = numbers > 0 ? [next()] : [];
  for (const [n, inputDim] of categories.entries()) {
    const outputDim = Math.min(LARGEST_EMBEDDING, Math.ceil(Math.sqrt(inputDim)) + 1);
    const vectors = embedding({ inputDim, outputDim, name: name(`embedding${n}`) }).apply(next()) as Symbolic;
    properties.push(flatten({ name: name(`vector${n}`) }).apply(vectors) as Symbolic);
  }
  if (properties.length > 0) {
    state = concatenate({ name: name('properties') }).apply([state, ...properties]) as Symbolic;
  }
  const flat = dense({ units: horizon * CONTEXT, name: name('context') }).apply(state) as Symbolic;
  const context = reshape({ targetShape: [horizon, CONTEXT], name: name('steps') }).apply(flat) as Symbolic;
  const joined = concatenate({ name: name('joined') }).apply([context, ahead]) as Symbolic;
  const hiddenUnits = Math.max(16, Math.ceil(units / 2));
  const hidden = dense({ units: hiddenUnits, activation: 'relu', name: name('hidden') }).apply(joined) as Symbolic;
  // Zeros: training starts at the naive forecast
  const change = dense({ units: width, kernelInitializer: 'zeros', name: name('change') }).apply(hidden) as Symbolic;
  let result = add({ name: name('output') }).apply([change, base]) as Symbolic;
  if (factor) result = multiply({ name: name('scaled') }).apply([result, factor]) as Symbolic;
  if (output.kind === 'poisson') {
    result = activation({ activation: 'softplus', name: name('mean') }).apply(result) as Symbolic;
  }
  return model({ inputs, outputs: result, name: `forecaster_${member}`, seed });
}
