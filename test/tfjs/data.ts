/** Random batches for a program: inputs, and targets that suit its loss. */

import { Random } from '../reference/random.ts';
import { losses, type Program } from './programs.ts';

export interface Data {
  x: Float32Array;
  xShape: number[];
  y: Float32Array;
  yShape: number[];
}

/** An endless sequence of batches, the same for the same program. */
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
    // About a third of the time steps is masked, at random; a whole row may be masked.
    for (let step = 0; step < batch * steps; step++) {
      if (random.bits() % 3 === 0) x.fill(bottom!.config.maskValue as number, step * width, (step + 1) * width);
    }
  }
  return { x, xShape: [batch, steps, width] };
}

/** Targets that suit the loss of an output. */
export function targets(
  { output, batch, loss }: Pick<Program, 'batch' | 'loss'> & { output: { steps: number | null; width: number } },
  random: Random,
): Pick<Data, 'y' | 'yShape'> {
  const { width } = output;
  const outer = output.steps === null ? [batch] : [batch, output.steps];
  const rows = outer.reduce((a, b) => a * b);
  const randomTargets = (value: () => number) => ({ y: floats(rows * width, value), yShape: [...outer, width] });
  switch (losses[loss]!.targets) {
    case 'classes':
      return { y: floats(rows, () => random.bits() % width), yShape: [...outer, 1] };
    case 'one-hot': {
      const { y, yShape } = randomTargets(() => 0);
      for (let row = 0; row < rows; row++) y[row * width + (random.bits() % width)] = 1;
      return { y, yShape };
    }
    case 'bits':
      return randomTargets(() => random.bits() % 2);
    case 'signs':
      return randomTargets(() => 2 * (random.bits() % 2) - 1);
    case 'counts':
      return randomTargets(() => random.bits() % 4);
    default:
      return randomTargets(() => random.normal());
  }
}

const floats = (count: number, value: () => number) => Float32Array.from({ length: count }, value);
