/**
 * What the recurrent layers share: cells that run through time one after the other, in either direction, and the
 * states they may carry from batch to batch.
 */

import {
  backwards,
  floatBits,
  type LayerOffsets,
  type Planner,
  padded,
  type Signal,
  strided,
} from '../../plan/plan.ts';
import { type Config, toPython } from '../../util/config.ts';
import { factoryOf, fail } from '../../util/errors.ts';
import { checkBoolean, checkCount } from '../../util/options.ts';
import { type SeedStream, seedBits } from '../../util/random.ts';
import { type Shape, showShape } from '../../util/shapes.ts';
import { FLOAT } from '../../util/units.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { Layer, type LayerOptions, type WeightSpec, type WeightStore } from '../layer.ts';
import type { Cell, StateSpec } from './cell.ts';

/** Options of every recurrent layer. */
export interface RecurrentOptions extends LayerOptions {
  /** Return the output of every time step, [B, T, U], instead of the last one, [B, U]; default false. */
  returnSequences?: boolean;
  /** Carry the final state into the next batch; fixes the batch size; default false. */
  stateful?: boolean;
  /**
   * Process the time steps in reverse and return outputs in that order; the mask keeps the input order. Default false.
   */
  goBackwards?: boolean;
  /** Refused: use `model.getStates()`. */
  returnState?: false;
  /** First layer only, beside inputDim: the number of time steps. */
  inputLength?: number;
  /** Accepted as in TF.js; changes nothing a caller can see. */
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

/** Tells the seed of the recurrent dropout from that of the dropout of the input: they share an option. */
export const STATE = 0x5bd1e995;

/** A layer with states, as `getStates`, `setStates` and streams see it. */
export abstract class RecurrentLayer extends Layer {
  /** @internal The states, in the order in which callers have them. */
  abstract get states(): readonly StateSpec[];

  /** @internal Moves the carried states between their home and plain matrices, one address for each of `states`. */
  abstract moveStates(kernels: Kernels, home: number, batch: number, plain: readonly number[], inward: boolean): void;

  override get mixesTime(): boolean {
    return false;
  }

  /** @internal Whether it needs time steps that are still to come. */
  abstract get looksAhead(): boolean;
}

/** Cells that run through time, each on the output of the one before. */
export abstract class Recurrent extends RecurrentLayer {
  /** @internal */
  readonly cells: readonly Cell[];
  readonly returnSequences: boolean;
  readonly goBackwards: boolean;
  readonly #stateful: boolean;
  /** As they were given, for `copy`. */
  readonly #options: RecurrentOptions;
  /** Of the dropouts, one for each cell; drawn when the layer is built. */
  #seeds: number[] = [];

  /** @param known options whose names have been checked */
  constructor(className: string, known: RecurrentOptions, cells: readonly Cell[]) {
    const call = `layers.${factoryOf(className)}`;
    const flag = (name: keyof RecurrentOptions) =>
      known[name] === undefined ? false : checkBoolean(call, name, known[name]);
    if (flag('returnState')) {
      fail(call, 'returnState must be false in a sequential model, got true; model.getStates() gives the states');
    }
    flag('unroll');
    const [sequences, stateful, goBackwards] = [flag('returnSequences'), flag('stateful'), flag('goBackwards')];
    super(className, withLength(call, known), 2);
    this.cells = cells;
    this.returnSequences = sequences;
    this.goBackwards = goBackwards;
    this.#stateful = stateful;
    this.#options = known;
  }

  protected override settings(): Config {
    const { returnSequences, goBackwards, stateful } = this;
    return { ...this.cellSettings(), returnSequences, returnState: false, goBackwards, stateful, unroll: false };
  }

  /** @internal What the cells are: the options of the only one, or a list. */
  protected cellSettings(): Config {
    return this.cells[0]!.getConfig();
  }

  override get weightPaths(): string[] {
    const { cells } = this;
    return cells.flatMap((cell, n) =>
      cell
        .describeWeights(this.#widthBelow(n))
        .map(({ name }) => `${this.name}/${cells.length > 1 ? `RNNCell_${n}/` : ''}${toPython(name)}`),
    );
  }

  /** Width of the output. */
  get units(): number {
    return this.cells.at(-1)!.units;
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

  /** @internal A layer like this one, not yet built, that runs in a direction of its own. */
  copy(name: string, goBackwards: boolean): Recurrent {
    const { inputShape, batchInputShape, batchSize, inputDim, inputLength, ...rest } = this.#options;
    return this.remake({ ...rest, name, goBackwards, trainable: this.trainable });
  }

  /** The constructor, for options of the same kind. */
  protected abstract remake(options: RecurrentOptions): Recurrent;

  override build(call: string, input: Shape, home: WeightStore, seeds: SeedStream): void {
    super.build(call, input, home, seeds);
    // Layers without dropout draw nothing, so that what is drawn after them does not depend on this.
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

  override outputShapeFor(call: string, input: Shape): Shape {
    if (input.length !== 3) {
      const below = 'a recurrent layer below gives that with returnSequences: true';
      fail(call, `${this.name} needs an input [batch, time steps, width], got ${showShape(input)}; ${below}`);
    }
    if (this.stateful && input[0] === null) {
      fail(call, `${this.name} is stateful and needs a fixed batch size, got ${showShape(input)}; use batchInputShape`);
    }
    return this.returnSequences ? [input[0]!, input[1]!, this.units] : [input[0]!, this.units];
  }

  protected override describeWeights(input: Shape): Omit<WeightSpec, 'seed'>[] {
    return this.cells.flatMap((cell, n) => cell.describeWeights(this.#widthBelow(n, input)));
  }

  /** The width of the input of cell n. */
  #widthBelow(n: number, input: Shape = this.built.input): number {
    return n === 0 ? input[2]! : this.cells[n - 1]!.units;
  }

  override get parameterCount(): number {
    return this.cells.reduce((count, cell, n) => count + cell.parameterCount(this.#widthBelow(n)), 0);
  }

  override stateCount(batch: number): number {
    return this.cells.reduce((count, cell) => count + cell.stateCount(batch), 0);
  }

  override get states(): readonly StateSpec[] {
    return this.cells.flatMap(cell => cell.states);
  }

  override moveWeights(kernels: Kernels, packed: number, plain: readonly number[], inward: boolean): void {
    let next = 0;
    for (let n = 0; n < this.cells.length; n++) {
      const cell = this.cells[n]!;
      const inputs = this.#widthBelow(n);
      const count = cell.useBias ? 3 : 2;
      const own = plain.length === count ? plain : plain.slice(next, next + count);
      cell.moveWeights(kernels, packed, own, inputs, inward);
      next += count;
      packed += cell.parameterCount(inputs) * FLOAT;
    }
  }

  override moveStates(kernels: Kernels, home: number, batch: number, plain: readonly number[], inward: boolean): void {
    let next = 0;
    for (const cell of this.cells) {
      const count = cell.states.length;
      cell.moveStates(kernels, home, batch, plain.slice(next, next + count), inward);
      next += count;
      home += cell.stateCount(batch) * FLOAT;
    }
  }

  override plan(planner: Planner, input: Signal, home: LayerOffsets): Signal {
    let flow = this.goBackwards ? backwards(input) : input;
    let { parameters, states } = home;
    const carries = this.stateful || planner.carriesAll;
    for (const [n, cell] of this.cells.entries()) {
      const last = n === this.cells.length - 1;
      const name = this.cells.length === 1 ? this.name : `${this.name}/${n}`;
      const sequences = this.returnSequences || !last;
      const seed = this.#seeds[n]!;
      const inputs = flow.y.width;
      if (planner.training && cell.dropout > 0) flow = dropInput(planner, flow, name, cell.dropout, seed);
      const { y, dy } = cell.plan(planner, {
        name,
        x: flow.y,
        dx: flow.dy,
        mask: flow.mask,
        parameters,
        states: carries ? { block: 'states', offset: states } : null,
        sequences,
        dropSeed: seedBits(seed) ^ STATE,
      });
      // The last output stands for the whole sequence, masked steps and all.
      flow = { y, dy, mask: sequences ? flow.mask : null };
      parameters += cell.parameterCount(inputs) * FLOAT;
      states += cell.stateCount(planner.batch) * FLOAT;
    }
    // The mask keeps the order of the input even when the output is reversed, as in Keras and TF.js.
    return this.returnSequences ? { ...flow, mask: input.mask } : flow;
  }
}

/** Drops a share of the input, the same numbers at every time step. */
function dropInput(planner: Planner, { y: x, dy: dx, mask }: Signal, name: string, rate: number, seed: number): Signal {
  const y = planner.rows(`${name}/x`, x.steps, x.width);
  const dy = dx && planner.rows(`${name}/dx`, x.steps, x.width);
  planner.calls.push({
    kind: 'dropout',
    fields: {
      steps: x.steps,
      rows: x.rows,
      width: x.width,
      ...strided('x', x),
      ...strided('y', y),
      ...strided('dy', dy),
      ...strided('dx', dx),
      mask: planner.floats(`${name}/dropped`, x.rows, padded(x.width)),
      seed: seedBits(seed),
      rate: floatBits(rate),
      shared: 1,
    },
  });
  return { y, dy, mask };
}

/** inputLength beside inputDim, as the input shape it stands for. */
function withLength(call: string, known: RecurrentOptions): RecurrentOptions {
  const { inputLength, inputDim, ...rest } = known;
  if (inputLength === undefined) return known;
  const length = checkCount(call, 'inputLength', inputLength);
  if (inputDim === undefined || rest.inputShape || rest.batchInputShape) {
    fail(call, `inputLength must stand beside inputDim and no other shape, got ${length} alone or with another`);
  }
  return { ...rest, inputShape: [length, checkCount(call, 'inputDim', inputDim)] };
}
