/** Where the kernels of a cell keep its gates and states at every time step, for `model.inspect`. */

import { padded, rowBytes } from '../../plan/planner.ts';
import { FLOAT } from '../../util/memorySizes.ts';

/** A value that a cell computes for each sample, time step and unit, such as a gate. */
export interface CellBuffer {
  /** The name of the buffer in the plan of the cell. */
  readonly name: string;
  /** How many slots precede the first time step: 1 for states, which start with the state before it. */
  readonly first: number;
  /** How many numbers a sample has; default: the units. */
  readonly width?: number | undefined;
  /** The index of a number in a buffer of the given shape and number of samples; slot `first` is the first time step. */
  index(shape: readonly number[], samples: number): (slot: number, sample: number, unit: number) => number;
}

/** [slots, groups, samples, parts, 4]: groups of four units, each padded to whole cache lines. */
const grouped = (name: string, first: number, parts: number, part: number): CellBuffer => ({
  name,
  first,
  index([, groups, ...group]) {
    const size = group.reduce((product, n) => product * n, 1);
    return (slot, sample, unit) => (slot * groups! + (unit >> 2)) * size + (sample * parts + part) * 4 + (unit & 3);
  },
});

/** Gate `part` of the four that lie side by side in the buffer `gates`. */
export const gateBuffer = (part: number): CellBuffer => grouped('gates', 0, 4, part);

/**
 * [slots, parts of the batch, floats]: in each part groups of four units.
 *
 * @param groupOf the distance in floats between groups with so many samples
 */
const inParts = (
  name: string,
  first: number,
  gates: number,
  gate: number,
  groupOf: (samples: number) => number,
): CellBuffer => ({
  name,
  first,
  index([, parts, size], samples) {
    const own = samples / parts!;
    const group = groupOf(own);
    return (slot, sample, unit) => {
      const part = slot * parts! + Math.floor(sample / own);
      return part * size! + (unit >> 2) * group + ((sample % own) * gates + gate) * 4 + (unit & 3);
    };
  },
});

/** Gate `gate` of an lstm. */
export const lstmGateBuffer = (gate: number): CellBuffer =>
  inParts('gates', 0, 4, gate, samples => rowBytes(16 * samples) / FLOAT);

/** The cell state of an lstm. */
export const cellStateBuffer = (): CellBuffer => inParts('c', 1, 1, 0, samples => 4 * samples);

/** [slots, samples, row]: columns `from`, ... of each row. */
export const rowBuffer = (name: string, first: number, from = 0, width?: number): CellBuffer => ({
  name,
  first,
  width,
  index:
    ([, samples, row]) =>
    (slot, sample, unit) =>
      (slot * samples! + sample) * row! + from + unit,
});

/** The hidden state, at the start of each row. */
export const hiddenStateBuffer = (name: string): CellBuffer => rowBuffer(name, 1);

/** Gate `part` of those of a minGRU or minLSTM, which follow each other in a row. */
export const rowGateBuffer = (part: number, units: number): CellBuffer => rowBuffer('gates', 0, part * padded(units));
