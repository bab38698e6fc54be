/**
 * What the cells of lstm, gru and simpleRNN share: options, weights, states, and a plan for their kernels.
 *
 * A cell is a recipe. It holds neither weights nor states; those belong to the recurrent layer that runs it through
 * time, so that one cell may serve several layers.
 */

import {
  floatBits,
  type Mask,
  type Offset,
  offsetBy,
  type Planner,
  padded,
  type Rows,
  strided,
} from '../../plan/plan.ts';
import { type Config, type Describable, describe } from '../../util/config.ts';
import { fail, show } from '../../util/errors.ts';
import { checkBoolean, checkCount, checkNumber } from '../../util/options.ts';
import { checkSeed } from '../../util/random.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import { type Constraint, type ConstraintName, resolveConstraint } from '../../weights/constraints.ts';
import {
  type Initializer,
  type InitializerName,
  initializers,
  resolveInitializer,
} from '../../weights/initializers.ts';
import { type Regularizer, type RegularizerName, resolveRegularizer } from '../../weights/regularizers.ts';
import { type Activation, type ActivationName, numberOf, ofRows, resolveActivation } from '../activations.ts';
import type { WeightSpec } from '../layer.ts';
import type { CellBuffer } from './cellBuffers.ts';

/** Every activation that works on a number alone; softmax needs the other units of its row. */
export type RecurrentActivation = Exclude<Activation, 'softmax' | 'logSoftmax' | 'log_softmax'>;

/** Options of every cell, and of the layer that is made of one. G is 4 for lstm, 3 for gru and 1 for simpleRNN. */
export interface CellOptions {
  /** Width of the output and of the states. */
  units: number;
  /** Of the candidate, and with lstm of the output; default tanh. */
  activation?: RecurrentActivation;
  /** Default true. */
  useBias?: boolean;
  /** Of the kernel [D, G U]; default glorotUniform. */
  kernelInitializer?: Initializer | InitializerName;
  /** Of the recurrent kernel [U, G U]; default orthogonal. */
  recurrentInitializer?: Initializer | InitializerName;
  /** Of the bias; default zeros. */
  biasInitializer?: Initializer | InitializerName;
  /** A penalty on the kernel that joins the loss; none by default. */
  kernelRegularizer?: Regularizer | RegularizerName | null;
  /** A penalty on the recurrent kernel that joins the loss; none by default. */
  recurrentRegularizer?: Regularizer | RegularizerName | null;
  /** A penalty on the bias that joins the loss; none by default. */
  biasRegularizer?: Regularizer | RegularizerName | null;
  /** What the kernel must be after every update; anything by default. */
  kernelConstraint?: Constraint | ConstraintName | null;
  /** What the recurrent kernel must be after every update; anything by default. */
  recurrentConstraint?: Constraint | ConstraintName | null;
  /** What the bias must be after every update; anything by default. */
  biasConstraint?: Constraint | ConstraintName | null;
  /** Share of the input that is dropped in training, the same numbers at every time step; default 0. */
  dropout?: number;
  /** Share of h_{t-1} that is dropped in training before a step works on it, the same at every step; default 0. */
  recurrentDropout?: number;
  /** Of both dropouts; drawn when absent. */
  seed?: number | null;
  /** Accepted as in TF.js; changes nothing a caller can see. */
  implementation?: number;
}

/** Options of a cell with gates. */
export interface GatedCellOptions extends CellOptions {
  /** Of the gates; default sigmoid. */
  recurrentActivation?: RecurrentActivation;
}

export const cellOptions = [
  'units',
  'activation',
  'useBias',
  'kernelInitializer',
  'recurrentInitializer',
  'biasInitializer',
  'kernelRegularizer',
  'recurrentRegularizer',
  'biasRegularizer',
  'kernelConstraint',
  'recurrentConstraint',
  'biasConstraint',
  'dropout',
  'recurrentDropout',
  'seed',
  'implementation',
] as const satisfies readonly (keyof CellOptions)[];

/** A state that a cell carries from step to step: a matrix [B, width]. */
export interface StateSpec {
  readonly name: string;
  readonly width: number;
}

/** Where a cell stands in a plan. */
export interface CellInputs {
  /** Of the buffers. */
  readonly name: string;
  /** The input in the order in which it is processed, and where its gradient is wanted; null where nobody wants it. */
  readonly x: Rows;
  readonly dx: Rows | null;
  readonly mask: Mask | null;
  /** Byte offset of the weights, and of the gradients in theirs. */
  readonly parameters: number;
  /** Where the state is carried from batch to batch; null where each batch starts from zero. */
  readonly states: Offset | null;
  /** Whether every step has an output, or only the last. */
  readonly sequences: boolean;
  /** Of the recurrent dropout, as the kernels take it. */
  readonly dropSeed: number;
}

/** What a cell leaves: its output, and where it expects the gradient of that. */
export interface CellOutput {
  readonly y: Rows;
  readonly dy: Rows | null;
}

/** The parts of a cell that have weights; options name them. */
const parts = ['kernel', 'recurrent', 'bias'] as const;
type Part = (typeof parts)[number];

/** What runs through time in a recurrent layer; make one with `layers.lstmCell` and its kin. */
export abstract class Cell {
  readonly units: number;
  readonly activation: ActivationName;
  readonly useBias: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  /** Of the dropouts, where the caller fixed it. */
  readonly seed: number | undefined;
  readonly #initializers: Record<Part, Initializer>;
  readonly #regularizers: Record<Part, Regularizer | null>;
  readonly #constraints: Record<Part, Constraint | null>;

  /**
   * @internal
   * @param call who asks, for messages
   * @param known options whose names have been checked
   */
  constructor(call: string, known: Partial<CellOptions>) {
    this.units = checkCount(call, 'units', known.units);
    this.activation = checkActivation(call, 'activation', known.activation, 'tanh');
    this.useBias = known.useBias === undefined ? true : checkBoolean(call, 'useBias', known.useBias);
    const otherwise = {
      kernel: initializers.glorotUniform,
      recurrent: initializers.orthogonal,
      bias: initializers.zeros,
    };
    const each = <T>(read: (part: Part) => T) =>
      Object.fromEntries(parts.map(part => [part, read(part)])) as Record<Part, T>;
    this.#initializers = each(part => {
      const value = known[`${part}Initializer`];
      return value === undefined ? otherwise[part]() : resolveInitializer(call, `${part}Initializer`, value);
    });
    this.#regularizers = each(part => resolveRegularizer(call, `${part}Regularizer`, known[`${part}Regularizer`]));
    this.#constraints = each(part => resolveConstraint(call, `${part}Constraint`, known[`${part}Constraint`]));
    this.dropout = checkRate(call, 'dropout', known.dropout);
    this.recurrentDropout = checkRate(call, 'recurrentDropout', known.recurrentDropout);
    this.seed = known.seed === undefined || known.seed === null ? undefined : checkSeed(call, known.seed);
    if (known.implementation !== undefined && ![0, 1, 2].includes(known.implementation)) {
      fail(call, `implementation must be 0, 1 or 2, got ${show(known.implementation)}`);
    }
  }

  /** The name Keras gives it. */
  abstract readonly className: string;

  /** Its options. */
  getConfig(): Config {
    const { units, activation, useBias, dropout, recurrentDropout } = this;
    const each = <T extends Describable>(what: string, of: Record<Part, T | null>) =>
      Object.fromEntries(parts.map(part => [`${part}${what}`, describe(of[part])]));
    return {
      units,
      activation,
      useBias,
      ...each('Initializer', this.#initializers),
      ...each('Regularizer', this.#regularizers),
      ...each('Constraint', this.#constraints),
      dropout,
      recurrentDropout,
      seed: this.seed ?? null,
    };
  }

  /** @internal Builds another cell of its class from a `getConfig` result. */
  abstract remake(config: Config): Cell;

  /** @internal The states, in the order in which callers have them. */
  abstract get states(): readonly StateSpec[];

  /** @internal What `model.inspect` shows, by its letter: gates, then states, h last. */
  abstract get buffers(): Readonly<Record<string, CellBuffer>>;

  /** Shape of the bias, and how it starts. */
  protected biasShape(): number[] {
    return [this.blocks * this.units];
  }

  protected biasStart(chosen: Initializer): Initializer {
    return chosen;
  }

  /** How many blocks of U columns the kernels have. */
  protected abstract readonly blocks: number;

  /** @internal The weights for an input of so many numbers, in Keras's order. */
  describeWeights(inputs: number): Omit<WeightSpec, 'seed'>[] {
    const columns = this.blocks * this.units;
    const spec = (name: string, part: Part, shape: number[], initializer: Initializer) => ({
      name,
      shape,
      initializer,
      regularizer: this.#regularizers[part],
      constraint: this.#constraints[part],
    });
    const { kernel, recurrent, bias } = this.#initializers;
    const weights = [
      spec('kernel', 'kernel', [inputs, columns], kernel),
      spec('recurrentKernel', 'recurrent', [this.units, columns], recurrent),
    ];
    return this.useBias ? [...weights, spec('bias', 'bias', this.biasShape(), this.biasStart(bias))] : weights;
  }

  /** @internal Floats the packed weights take, whole cache lines. */
  abstract parameterCount(inputs: number): number;

  /** @internal Floats the carried states take. */
  abstract stateCount(batch: number): number;

  /** @internal Moves weights between `packed` and plain matrices, one address for each of `describeWeights`. */
  abstract moveWeights(
    kernels: Kernels,
    packed: number,
    plain: readonly number[],
    inputs: number,
    inward: boolean,
  ): void;

  /** @internal Moves the carried states between `home` and plain matrices, one address for each of `states`. */
  abstract moveStates(kernels: Kernels, home: number, batch: number, plain: readonly number[], inward: boolean): void;

  /** @internal Reserves buffers and adds a stage for the kernels. */
  abstract plan(planner: Planner, seat: CellInputs): CellOutput;

  /**
   * What all cells hand to their kernels in the same way.
   *
   * @param h (T+1, B, H): h_t in slot t+1, on whose rows the output stands
   * @returns fields of the stage, and what the cell leaves
   */
  protected frame(planner: Planner, seat: CellInputs, h: Rows) {
    const { name, x, dx, mask, parameters, states, sequences } = seat;
    const { batch, training } = planner;
    const T = x.steps;
    const dropped = training && this.recurrentDropout > 0;
    const dh = training ? planner.rows(`${name}/dh`, sequences ? T : 1, this.units) : null;
    // What the next step sees of h is not what comes out, so that the output has rows of its own.
    const y = dropped ? planner.rows(`${name}/y`, T + 1, this.units) : null;
    const fields = {
      batch,
      steps: T,
      inputs: x.width,
      units: this.units,
      ...strided('x', x),
      w: { block: 'weights', offset: parameters } as const,
      dw: training ? ({ block: 'gradients', offset: parameters } as const) : 0,
      dh: dh?.place ?? 0,
      dhRow: dh?.row ?? 0,
      dhx: training && (mask || dropped) ? planner.floats(`${name}/dhx`, batch, padded(this.units)) : 0,
      ...strided('dx', dx),
      stateH: states ?? 0,
      sequences: Number(sequences),
      useBias: Number(this.useBias),
      mask: mask?.place ?? 0,
      maskStep: mask?.step ?? 0,
      drop: dropped ? planner.floats(`${name}/drop`, batch, padded(this.units)) : 0,
      dropSeed: dropped ? seat.dropSeed : 0,
      dropRate: dropped ? floatBits(this.recurrentDropout) : 0,
      y: y?.place ?? 0,
      yRow: y?.row ?? 0,
      activation: numberOf(this.activation),
    };
    const out = y ?? h;
    const first = sequences ? 1 : T; // h_t stands in slot t + 1
    const outcome: CellOutput = {
      y: { ...out, place: offsetBy(out.place, first * out.step), steps: sequences ? T : 1, width: this.units },
      dy: dh,
    };
    return { fields, outcome };
  }
}

/** An activation that works on a number alone. */
export function checkActivation(call: string, name: string, value: unknown, otherwise: ActivationName): ActivationName {
  const activation = value === undefined ? otherwise : resolveActivation(call, name, value);
  if (ofRows.includes(activation)) {
    fail(
      call,
      `${name} must work on each unit alone, got '${activation}', which needs all of them; put a dense layer on top for it`,
    );
  }
  return activation;
}

function checkRate(call: string, name: string, value: unknown): number {
  return value === undefined ? 0 : checkNumber(call, name, value, { least: 0, below: 1 });
}
