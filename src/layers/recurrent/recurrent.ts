/**
 * The base class of the recurrent layers: one or more cells, applied to the time steps in either direction, and the states
 * they can carry from batch to batch.
 */

import {
  floatBits,
  type PlannedCall,
  type Planner,
  padded,
  reverseSteps,
  rowFields,
  type Signal,
  type Signals,
} from '../../plan/planner.ts';
import { type Config, toPython } from '../../util/config.ts';
import { factoryNameOf, fail } from '../../util/errors.ts';
import { FLOAT } from '../../util/memorySizes.ts';
import { checkBoolean, checkCount } from '../../util/options.ts';
import type { SeedStream } from '../../util/random.ts';
import { type Shape, showShape } from '../../util/shapes.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { noiseNumbers } from '../../wasm/shared.generated.ts';
import { Layer } from '../layer.ts';
import type { LayerOptions } from '../layerOptions.ts';
import { forEachPart } from '../parts.ts';
import type { WeightSpec } from '../weightSpec.ts';
import type { Cell, StateSpec } from './cell.ts';

/** Options of every recurrent layer. */
export interface RecurrentOptions extends LayerOptions {
  /**
   * Whether to output every time step, [batch, timeSteps, units], or only the last one, [batch, units]. A recurrent layer
   * on top needs every time step. Default: false.
   */
  returnSequences?: boolean;
  /**
   * Whether row b of a batch continues from the final state of row b of the previous batch, instead of zeros. Needs a
   * fixed batch size; `model.resetStates()` returns to zeros. Default: false.
   */
  stateful?: boolean;
  /**
   * Whether to process the time steps in reverse. The output is then in that order, but a mask keeps the order of the
   * input. Default: false.
   */
  goBackwards?: boolean;
  /**
   * Whether to output the final states as well, [batch, units] each: the hidden state, and with lstm the cell state. Not
   * in a sequential model, whose layers have one output; `model.getStates()` returns the states there. Default: false.
   */
  returnState?: boolean;
  /** First layer only: the number of time steps, in addition to `inputDim`. Default: any number. */
  inputLength?: number;
  /** Accepted for compatibility with TF.js; it has no effect. */
  unroll?: boolean;
}

export const recurrentOptions = [
  'returnSequences',
  'stateful',
  'goBackwards',
  'returnState',
  'inputLength',
  'unroll',
] as const satisfies readonly (keyof RecurrentOptions)[];

/** XORed with the seed of the input dropout, it gives the seed of the recurrent dropout. */
export const RECURRENT_DROPOUT_SEED = 0x5bd1e995;

/** A layer with states, for `getStates`, `setStates` and streams. */
export abstract class RecurrentLayer extends Layer {
  /** @internal The states, in the order of `getStates`. */
  abstract get states(): readonly StateSpec[];

  /** @internal Packs states into the layout of the kernels; `matrices` are addresses in the order of `states`. */
  abstract packStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void;

  /** @internal The inverse of `packStates`. */
  abstract unpackStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void;

  /** @internal Whether an output depends on later time steps of the input. */
  abstract get looksAhead(): boolean;

  /** Fails unless the inputs of a call are a sequence, alone or with an initial state for each state of the layer. */
  protected checkInitialStates(call: string, [x, ...initial]: readonly Shape[]): void {
    const { name, states } = this;
    if (initial.length === 0) return;
    const names = states.map(state => state.name).join(', ');
    if (initial.length !== states.length) {
      const rule = `${name} takes a sequence and ${states.length} initial states (${names})`;
      const got = initial.length === 1 ? '1 initial state' : `${initial.length} initial states`;
      fail(call, `${rule}, or a sequence alone, got ${got}`);
    }
    for (const [n, { name: state, width }] of states.entries()) {
      const [needed, got] = [[x![0]!, width], initial[n]!];
      const [batch] = got;
      const agrees = batch === null || needed[0] === null || batch === needed[0];
      if (got.length === 2 && got[1] === width && agrees) continue;
      fail(
        call,
        `the initial state ${state} of ${name} must have the shape ${showShape(needed)}, got ${showShape(got)}`,
      );
    }
  }

  override get runsByTimeStep(): boolean {
    return true;
  }

  override get takesInitialStates(): boolean {
    return true;
  }
}

/** One or more cells; each takes the output of the previous one. */
export abstract class Recurrent extends RecurrentLayer {
  /** @internal */
  readonly cells: readonly Cell[];
  readonly returnSequences: boolean;
  readonly returnState: boolean;
  readonly goBackwards: boolean;
  readonly #stateful: boolean;
  /** The options as given, for `copy`. */
  readonly #options: RecurrentOptions;
  /** Seeds of the dropouts, one for each cell; drawn when the layer is built. */
  #seeds: number[] = [];

  /** @param known options whose names have been checked */
  constructor(className: string, known: RecurrentOptions, cells: readonly Cell[]) {
    const call = `layers.${factoryNameOf(className)}`;
    const flag = (name: keyof RecurrentOptions) =>
      known[name] === undefined ? false : checkBoolean(call, name, known[name]);
    flag('unroll');
    const [sequences, state] = [flag('returnSequences'), flag('returnState')];
    const [stateful, goBackwards] = [flag('stateful'), flag('goBackwards')];
    super(className, withLength(call, known), 2);
    this.cells = cells;
    this.returnSequences = sequences;
    this.returnState = state;
    this.goBackwards = goBackwards;
    this.#stateful = stateful;
    this.#options = known;
  }

  protected override settings(): Config {
    const { returnSequences, returnState, goBackwards, stateful } = this;
    return { ...this.cellSettings(), returnSequences, returnState, goBackwards, stateful, unroll: false };
  }

  /** @internal The options that describe the cells. */
  protected cellSettings(): Config {
    return this.cells[0]!.getConfig();
  }

  override get weightPaths(): string[] {
    const { cells } = this;
    return cells.flatMap((cell, n) =>
      cell
        .describeWeights(this.#inputsOf(n))
        .map(({ name }) => `${this.name}/${cells.length > 1 ? `RNNCell_${n}/` : ''}${toPython(name)}`),
    );
  }

  /** The number of units of the output. */
  get units(): number {
    return this.cells.at(-1)!.outputUnits;
  }

  override get stateful(): boolean {
    return this.#stateful;
  }

  override get looksAhead(): boolean {
    return this.goBackwards;
  }

  /** @internal Whether initial weights were given as an option. */
  get hasOwnWeights(): boolean {
    return this.#options.weights !== undefined;
  }

  /** @internal A copy of the layer, not built, with another name and direction. */
  copy(name: string, goBackwards: boolean): Recurrent {
    const { inputShape, batchInputShape, batchSize, inputDim, inputLength, ...rest } = this.#options;
    return this.remake({ ...rest, name, goBackwards, trainable: this.trainable });
  }

  /** Calls the constructor of its class. */
  protected abstract remake(options: RecurrentOptions): Recurrent;

  override drawSeeds(seeds: SeedStream): void {
    super.drawSeeds(seeds);
    // Cells without dropout draw no seed, so adding them does not change the seeds of later layers
    this.#seeds = this.cells.map(({ dropout, recurrentDropout, seed }) =>
      dropout > 0 || recurrentDropout > 0 ? (seed ?? seeds.next()) : 0,
    );
  }

  override get dropoutSeeds(): number[] {
    return this.#seeds;
  }

  override set dropoutSeeds(seeds: readonly number[]) {
    this.#seeds = [...seeds];
  }

  override outputShapesFor(call: string, inputs: readonly Shape[]): Shape[] {
    const input = inputs[0]!;
    if (input.length !== 3) {
      const rule = `${this.name} needs an input [batch, time steps, width], got ${showShape(input)}`;
      fail(call, `${rule}; a recurrent layer below outputs that with returnSequences: true`);
    }
    if (this.stateful && input[0] === null) {
      fail(call, `${this.name} is stateful and needs a fixed batch size, got ${showShape(input)}; use batchInputShape`);
    }
    this.checkInitialStates(call, inputs);
    const [batch, steps] = input as [number | null, number | null];
    const y = this.returnSequences ? [batch, steps, this.units] : [batch, this.units];
    return this.returnState ? [y, ...this.states.map(({ width }) => [batch, width])] : [y];
  }

  protected override describeWeights(input: Shape): Omit<WeightSpec, 'seed'>[] {
    return this.cells.flatMap((cell, n) => cell.describeWeights(this.#inputsOf(n, input)));
  }

  /** The number of inputs of cell n. */
  #inputsOf(n: number, input: Shape = this.connection.inputs[0]!): number {
    return n === 0 ? input[2]! : this.cells[n - 1]!.outputUnits;
  }

  override get parameterCount(): number {
    return this.cells.reduce((count, cell, n) => count + cell.parameterCount(this.#inputsOf(n)), 0);
  }

  override stateCount(batch: number): number {
    return this.cells.reduce((count, cell) => count + cell.stateCount(batch), 0);
  }

  override get states(): readonly StateSpec[] {
    return this.cells.flatMap(cell => cell.states);
  }

  override packWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    // Runs in every batch with regularizers or constraints; a single cell allocates nothing
    if (this.cells.length === 1) this.cells[0]!.packWeights(kernels, packed, matrices, this.#inputsOf(0));
    else {
      this.#forEachCellWeights(packed, matrices, (cell, own, ownMatrices, n) =>
        cell.packWeights(kernels, own, ownMatrices, this.#inputsOf(n)),
      );
    }
  }

  override unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[]): void {
    if (this.cells.length === 1) this.cells[0]!.unpackWeights(kernels, packed, matrices, this.#inputsOf(0));
    else {
      this.#forEachCellWeights(packed, matrices, (cell, own, ownMatrices, n) =>
        cell.unpackWeights(kernels, own, ownMatrices, this.#inputsOf(n)),
      );
    }
  }

  #forEachCellWeights(packed: number, matrices: readonly number[], use: UseCell): void {
    const floatsOf = (cell: Cell, n: number) => cell.parameterCount(this.#inputsOf(n));
    forEachPart(this.cells, packed, matrices, floatsOf, ({ weightCount }) => weightCount, use);
  }

  override packStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void {
    this.#forEachCellStates(packed, batch, matrices, (cell, own, ownMatrices) =>
      cell.packStates(kernels, own, batch, ownMatrices),
    );
  }

  override unpackStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void {
    this.#forEachCellStates(packed, batch, matrices, (cell, own, ownMatrices) =>
      cell.unpackStates(kernels, own, batch, ownMatrices),
    );
  }

  #forEachCellStates(packed: number, batch: number, matrices: readonly number[], use: UseCell): void {
    forEachPart(
      this.cells,
      packed,
      matrices,
      cell => cell.stateCount(batch),
      ({ states }) => states.length,
      use,
    );
  }

  override plan(planner: Planner, [input, ...initial]: Signals, call: PlannedCall): Signals {
    const finalStates: Signal[] = [];
    let firstState = 0;
    let signal = this.goBackwards ? reverseSteps(input) : input;
    let { parameters, states } = call.offsets;
    const carriesStates = this.stateful || planner.carryAllStates;
    for (const [n, cell] of this.cells.entries()) {
      const last = n === this.cells.length - 1;
      const name = this.cells.length === 1 ? call.name : `${call.name}/${n}`;
      const returnSequences = this.returnSequences || !last;
      const seed = this.#seeds[n]!;
      const inputs = signal.y.width;
      const statesOfCell = <T>(all: readonly T[]) => all.slice(firstState, firstState + cell.states.length);
      if (planner.dropsOut && cell.dropout > 0) signal = dropInput(planner, signal, name, cell.dropout, seed);
      const output = cell.plan(planner, {
        name,
        x: signal.y,
        dx: signal.dy,
        mask: signal.mask,
        parameters,
        states: carriesStates ? { block: 'states', offset: states } : null,
        initial: initial.length > 0 ? statesOfCell(initial) : null,
        returnSequences,
        returnState: this.returnState,
        isRead: [!last || call.isRead[0]!, ...statesOfCell(call.isRead.slice(1))],
        dropSeed: planner.dropoutSeed(seed) ^ RECURRENT_DROPOUT_SEED,
      });
      // A single output has no time steps left to mask
      signal = { y: output.y, dy: output.dy, mask: returnSequences ? signal.mask : null };
      finalStates.push(...output.states);
      firstState += cell.states.length;
      parameters += cell.parameterCount(inputs) * FLOAT;
      states += cell.stateCount(planner.batch) * FLOAT;
    }
    // As in Keras and TF.js, the mask keeps the order of the input even if the output is reversed
    return [this.returnSequences ? { ...signal, mask: input.mask } : signal, ...finalStates];
  }
}

type UseCell = (cell: Cell, packed: number, matrices: readonly number[], n: number) => void;

/** Input dropout: drops the same features at every time step. */
function dropInput(planner: Planner, { y: x, dy: dx, mask }: Signal, name: string, rate: number, seed: number): Signal {
  const y = planner.rows(`${name}/x`, x.steps, x.width);
  const dy = dx && planner.rows(`${name}/dx`, x.steps, x.width);
  planner.calls.push({
    kind: 'dropout',
    fields: {
      noise: noiseNumbers.dropout,
      steps: x.steps,
      rows: x.rows,
      width: x.width,
      ...rowFields('x', x),
      ...rowFields('y', y),
      ...rowFields('dy', dy),
      ...rowFields('dx', dx),
      mask: planner.floats(`${name}/dropped`, x.rows, padded(x.width)),
      seed: planner.dropoutSeed(seed),
      amount: floatBits(rate),
      shared: 1,
    },
  });
  return { y, dy, mask };
}

/** Replaces `inputLength` and `inputDim` by the input shape that they describe. */
function withLength(call: string, known: RecurrentOptions): RecurrentOptions {
  const { inputLength, inputDim, ...rest } = known;
  if (inputLength === undefined) return known;
  const length = checkCount(call, 'inputLength', inputLength);
  if (inputDim === undefined || rest.inputShape || rest.batchInputShape) {
    fail(call, `inputLength must be given with inputDim, and without inputShape and batchInputShape, got ${length}`);
  }
  return { ...rest, inputShape: [length, checkCount(call, 'inputDim', inputDim)] };
}
