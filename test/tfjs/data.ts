/** Random batches for a program: what goes in, and targets that fit its loss. */

import { Random } from '../reference/random.ts';
import type { Program } from './programs.ts';

export interface Data {
  x: Float32Array;
  xShape: number[];
  y: Float32Array;
  yShape: number[];
}

/** Batches without end, the same for the same program. */
export function batchOf(program: Program): { next(): Data } {
  const random = new Random(program.seed + 2);
  return { next: () => ({ ...inputs(program, random), ...targets(program, random) }) };
}

function inputs({ input, batch, layers }: Program, random: Random): Pick<Data, 'x' | 'xShape'> {
  const { kind, steps, width } = input;
  if (kind === 'rows') return { x: floats(batch * width, () => random.normal()), xShape: [batch, width] };
  if (kind === 'indices') return { x: floats(batch * steps, () => random.bits() % width), xShape: [batch, steps] };
  const x = floats(batch * steps * width, () => random.normal());
  const [bottom] = layers;
  if (bottom!.kind === 'masking') {
    // A third of the time steps, anywhere, is masked; so may be a whole row.
    for (let step = 0; step < batch * steps; step++) {
      if (random.bits() % 3 === 0) x.fill(bottom!.config.maskValue as number, step * width, (step + 1) * width);
    }
  }
  return { x, xShape: [batch, steps, width] };
}

function targets({ output, batch, loss }: Program, random: Random): Pick<Data, 'y' | 'yShape'> {
  const { width } = output;
  const outer = output.steps === null ? [batch] : [batch, output.steps];
  const rows = outer.reduce((a, b) => a * b);
  switch (loss) {
    case 'sparseCategoricalCrossentropy':
      return { y: floats(rows, () => random.bits() % width), yShape: [...outer, 1] };
    case 'categoricalCrossentropy': {
      const y = new Float32Array(rows * width);
      for (let row = 0; row < rows; row++) y[row * width + (random.bits() % width)] = 1;
      return { y, yShape: [...outer, width] };
    }
    case 'binaryCrossentropy':
      return { y: floats(rows * width, () => random.bits() % 2), yShape: [...outer, width] };
    default:
      return { y: floats(rows * width, () => random.normal()), yShape: [...outer, width] };
  }
}

const floats = (count: number, value: () => number) => Float32Array.from({ length: count }, value);
