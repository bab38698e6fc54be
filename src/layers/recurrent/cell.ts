/**
 * The base class of the cells of all recurrent layers: options, weights, states, and a plan for the kernels.
 *
 * A cell holds neither weights nor states. They belong to the recurrent layer that applies it, so several layers can use
 * the same cell.
 */

import {
  floatBits,
  type KernelCall,
  type Mask,
  maskFields,
  type Offset,
  offsetBy,
  type Planner,
  padded,
  parameterFields,
  type Rows,
  rowFields,
  type Signal,
} from '../../plan/planner.ts';
import { type Config, serialize } from '../../util/config.ts';
import { fail, show } from '../../util/errors.ts';
import { checkBoolean, checkCount, checkNumber } from '../../util/options.ts';
import { checkSeed } from '../../util/random.ts';
import { useKernels } from '../../wasm/engine.ts';
import { dropoutKernels } from '../../wasm/kernelPlaces.ts';
import type { Kernels } from '../../wasm/kernels.ts';
import type { Constraint, ConstraintName } from '../../weights/constraints.ts';
import {
  glorotUniform,
  type Initializer,
  type InitializerName,
  orthogonal,
  zeros,
} from '../../weights/initializers.ts';
import type { Regularizer, RegularizerName } from '../../weights/regularizers.ts';
import { type Activation, type ActivationName, numberOf, rowActivations } from '../activations.ts';
import { readActivation } from '../usedActivation.ts';
import { readWeightSettings, type WeightSettings, type WeightSpec } from '../weightSpec.ts';
import type { CellBuffer } from './cellBuffers.ts';

/** Any activation except softmax and logSoftmax, which depend on all units at once. */
export type RecurrentActivation = Exclude<Activation, 'softmax' | 'logSoftmax' | 'log_softmax'>;

/**
 * Options of every cell, and of the layer with that cell. In shapes, `gates` is 4 for lstm, 3 for gru and 1 for
 * simpleRNN.
 */
export interface CellOptions {
  /** The number of units: the size of the output and of each state. */
  units: number;
  /** Activation of the candidate, and with lstm also of the cell state in the output. Default: 'tanh'. */
  activation?: RecurrentActivation;
  /** Whether to add a bias. Default: true. */
  useBias?: boolean;
  /** Initial kernel, [inputs, gates * units]. Default: 'glorotUniform'. */
  kernelInitializer?: Initializer | InitializerName;
  /**
   * Initial recurrent kernel, [units, gates * units], or [projectionUnits, gates * units] with a projection. Default:
   * 'orthogonal'.
   */
  recurrentInitializer?: Initializer | InitializerName;
  /** Initial bias, [gates * units]; [2, 3 * units] for gru with `resetAfter`. Default: 'zeros'. */
  biasInitializer?: Initializer | InitializerName;
  /** Penalty on the kernel, added to the loss. Default: none. */
  kernelRegularizer?: Regularizer | RegularizerName | null;
  /** Penalty on the recurrent kernel, added to the loss. Default: none. */
  recurrentRegularizer?: Regularizer | RegularizerName | null;
  /** Penalty on the bias, added to the loss. Default: none. */
  biasRegularizer?: Regularizer | RegularizerName | null;
  /** Constraint applied to the kernel after every update. Default: none. */
  kernelConstraint?: Constraint | ConstraintName | null;
  /** Constraint applied to the recurrent kernel after every update. Default: none. */
  recurrentConstraint?: Constraint | ConstraintName | null;
  /** Constraint applied to the bias after every update. Default: none. */
  biasConstraint?: Constraint | ConstraintName | null;
  /**
   * Fraction of the input features to drop in training, from 0 up to but not including 1. A sample drops the same
   * features at every time step. Default: 0.
   */
  dropout?: number;
  /**
   * Fraction of the hidden state to drop in training before a time step uses it, from 0 up to but not including 1. A
   * sample drops the same units at every time step. Default: 0.
   */
  recurrentDropout?: number;
  /** Seed of both dropouts, an integer from 0 to 2^53 - 1. Default: drawn when the layer joins a model. */
  seed?: number | null;
  /** 0, 1 or 2, accepted for compatibility with TF.js; it has no effect. */
  implementation?: number;
}

/** Options of a cell with gates. */
export interface GatedCellOptions extends CellOptions {
  /** Activation of the gates. Default: 'sigmoid'. */
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

/** A state of a cell: a matrix [batch, width]. */
export interface StateSpec {
  readonly name: string;
  readonly width: number;
}

/** The arguments of `Cell.plan`. */
export interface CellInputs {
  /** Prefix of the names of its buffers. */
  readonly name: string;
  /** The input, in processing order. */
  readonly x: Rows;
  /** Where to write the gradient of the input; null if it is not needed. */
  readonly dx: Rows | null;
  readonly mask: Mask | null;
  /** Byte offset of the parameters, in both 'weights' and 'gradients'. */
  readonly parameters: number;
  /** The states carried from batch to batch; null if each batch starts from zero. */
  readonly states: Offset | null;
  /** The initial states, in the order of `Cell.states`; null to start from the carried states or zeros. */
  readonly initial: readonly Signal[] | null;
  /** Whether to output every time step, or only the last. */
  readonly returnSequences: boolean;
  /** Whether to output the final states. */
  readonly returnState: boolean;
  /** Whether anything reads the output and, with `returnState`, each final state. */
  readonly isRead: readonly boolean[];
  /** Seed of the recurrent dropout, 32 bits. */
  readonly dropSeed: number;
}

/** The output of a cell, and where it expects the gradient of that; null if it needs none. */
export interface CellOutput {
  readonly y: Rows;
  readonly dy: Rows | null;
  /** The final states, in the order of `Cell.states`; empty without `returnState`. */
  readonly states: readonly Signal[];
}

/** The result of `Cell.planCommon`. */
export type PlannedCell = ReturnType<Cell['planCommon']>;

/** Rows of one time step as fields of a structure; zeros for null. */
export const stateFields = <K extends string>(name: K, rows: Rows | null): Record<K | `${K}Row`, number | Offset> =>
  ({ [name]: rows?.start ?? 0, [`${name}Row`]: rows?.row ?? 0 }) as Record<K | `${K}Row`, number | Offset>;

/** The prefixes of the options of its weights. */
type Prefix = 'kernel' | 'recurrent' | 'bias';

const defaults: Record<Prefix, () => Initializer> = {
  kernel: glorotUniform,
  recurrent: orthogonal,
  bias: zeros,
};

/** One time step of a recurrent layer. Create one with `layers.lstmCell`, `layers.gruCell` or `layers.simpleRNNCell`. */
export abstract class Cell {
  readonly units: number;
  readonly activation: ActivationName;
  readonly useBias: boolean;
  readonly dropout: number;
  readonly recurrentDropout: number;
  /** The seed of the dropouts if it was given. */
  readonly seed: number | undefined;
  readonly #weights: Record<Prefix, WeightSettings>;

  /**
   * @internal
   * @param call for error messages
   * @param known options whose names have been checked
   */
  constructor(call: string, known: Partial<CellOptions>) {
    this.units = checkCount(call, 'units', known.units);
    this.activation = checkActivation(
      call,
      'activation',
      known.activation,
      this.hasRecurrentKernel ? 'tanh' : 'linear',
    );
    this.useBias = known.useBias === undefined ? true : checkBoolean(call, 'useBias', known.useBias);
    const read = (prefix: Prefix) => readWeightSettings(call, prefix, known, defaults[prefix]);
    this.#weights = { kernel: read('kernel'), recurrent: read('recurrent'), bias: read('bias') };
    this.dropout = checkRate(call, 'dropout', known.dropout);
    this.recurrentDropout = checkRate(call, 'recurrentDropout', known.recurrentDropout);
    if (this.dropout > 0 || this.recurrentDropout > 0) useKernels(dropoutKernels.need(call));
    this.seed = known.seed === undefined || known.seed === null ? undefined : checkSeed(call, known.seed);
    if (known.implementation !== undefined && ![0, 1, 2].includes(known.implementation)) {
      fail(call, `implementation must be 0, 1 or 2, got ${show(known.implementation)}`);
    }
  }

  /** The name of the class in Keras. */
  abstract readonly className: string;

  /** The options as plain data, in the form of TF.js. */
  getConfig(): Config {
    const { units, activation, useBias, dropout, recurrentDropout, hasRecurrentKernel } = this;
    const prefixes: Prefix[] = hasRecurrentKernel ? ['kernel', 'recurrent', 'bias'] : ['kernel', 'bias'];
    const each = (what: keyof WeightSettings) =>
      Object.fromEntries(
        prefixes.map(prefix => [`${prefix}${capitalized(what)}`, serialize(this.#weights[prefix][what] ?? null)]),
      );
    return {
      units,
      activation,
      useBias,
      ...each('initializer'),
      ...each('regularizer'),
      ...each('constraint'),
      dropout,
      ...(hasRecurrentKernel && { recurrentDropout }),
      seed: this.seed ?? null,
    };
  }

  /** @internal Creates another cell of its class from a result of `getConfig`. */
  abstract remake(config: Config): Cell;

  /** @internal The size of the output and of the hidden state. */
  get outputUnits(): number {
    return this.units;
  }

  /** @internal The states, in the order of `getStates`; by default, the hidden state only. */
  get states(): readonly StateSpec[] {
    return [{ name: 'h', width: this.outputUnits }];
  }

  /** @internal What `model.inspect` shows, by its letter: gates, then states, h last. */
  abstract get buffers(): Readonly<Record<string, CellBuffer>>;

  protected biasShape(): number[] {
    return [this.gates * this.units];
  }

  /** The initializer of the bias, from the one that was given. */
  protected biasInitializer(given: Initializer): Initializer {
    return given;
  }

  /** The number of gates, counting the candidate; each has `units` columns in the kernels. */
  protected abstract readonly gates: number;

  /** @internal Whether the gates read the hidden state, through a recurrent kernel. */
  get hasRecurrentKernel(): boolean {
    return true;
  }

  /** @internal The number of its weights. */
  get weightCount(): number {
    return 1 + Number(this.hasRecurrentKernel) + Number(this.useBias);
  }

  /** @internal The weights for a number of inputs, in the order of Keras. */
  describeWeights(inputs: number): Omit<WeightSpec, 'seed'>[] {
    const columns = this.gates * this.units;
    const { kernel, recurrent, bias } = this.#weights;
    const weights = [
      { name: 'kernel', shape: [inputs, columns], ...kernel },
      ...(this.hasRecurrentKernel
        ? [{ name: 'recurrentKernel', shape: [this.outputUnits, columns], ...recurrent }]
        : []),
    ];
    if (!this.useBias) return weights;
    const initializer = this.biasInitializer(bias.initializer);
    return [...weights, { name: 'bias', shape: this.biasShape(), ...bias, initializer }];
  }

  /** @internal The number of floats of the packed weights, whole cache lines. */
  abstract parameterCount(inputs: number): number;

  /** @internal The number of floats of the carried states. */
  stateCount(batch: number): number {
    return batch * padded(this.units);
  }

  /**
   * @internal Packs weights into the layout of the kernels.
   *
   * @param packed address of the packed weights
   * @param matrices addresses of row-major matrices in the order of `describeWeights`
   */
  abstract packWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void;

  /** @internal The inverse of `packWeights`. */
  abstract unpackWeights(kernels: Kernels, packed: number, matrices: readonly number[], inputs: number): void;

  /** @internal Packs states into the layout of the kernels; `matrices` are addresses in the order of `states`. */
  packStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void {
    kernels.packState(packed, matrices[0]!, batch, this.units);
  }

  /** @internal The inverse of `packStates`. */
  unpackStates(kernels: Kernels, packed: number, batch: number, matrices: readonly number[]): void {
    kernels.unpackState(packed, matrices[0]!, batch, this.units);
  }

  /** @internal Reserves buffers and adds a kernel call. */
  abstract plan(planner: Planner, inputs: CellInputs): CellOutput;

  /**
   * The part of `plan` that all cells have in common.
   *
   * @param h the hidden states (T+1, B, H): slot t+1 holds h_t
   * @returns fields of the kernel call, calls to add after it, the output of the cell, and its gradient with a slot for
   *   each time step if `sequences` is 1, else for the last one only
   */
  protected planCommon(planner: Planner, inputs: CellInputs, h: Rows) {
    const { name, x, dx, mask, parameters, states, initial, returnSequences, returnState, isRead } = inputs;
    const { batch, needsGradients } = planner;
    const T = x.steps;
    const width = this.outputUnits;
    const dropped = planner.dropsOut && this.recurrentDropout > 0;
    const separate = needsGradients && this.hasRecurrentKernel && (mask || dropped);
    const [readsY, readsH] = [isRead[0]!, returnState && isRead[1]!];
    const sequences = returnSequences && readsY;
    const dh = planner.gradientRows(`${name}/dh`, sequences ? T : 1, width);
    // With recurrent dropout, h holds the dropped states, so the output needs rows of its own
    const y = dropped ? planner.rows(`${name}/y`, T + 1, width) : null;
    const fields = {
      batch,
      steps: T,
      inputs: x.width,
      units: this.units,
      ...rowFields('x', x),
      ...parameterFields(planner, parameters),
      ...stateFields('dh', dh),
      dhx: separate ? planner.floats(`${name}/dhx`, batch, padded(width)) : 0,
      ...rowFields('dx', dx),
      stateH: states ?? 0,
      ...stateFields('h0', initial && initial[0]!.y),
      ...stateFields('dh0', initial && initial[0]!.dy),
      savedH: states && initial ? planner.floats(`${name}/savedH`, batch, padded(width)) : 0,
      sequences: Number(sequences),
      zeroDh: Number(needsGradients && !readsY && !readsH),
      useBias: Number(this.useBias),
      ...maskFields(mask),
      drop: dropped ? planner.floats(`${name}/drop`, batch, padded(width)) : 0,
      dropSeed: dropped ? inputs.dropSeed : 0,
      dropRate: dropped ? floatBits(this.recurrentDropout) : 0,
      y: y?.start ?? 0,
      yRow: y?.row ?? 0,
      activation: numberOf(this.activation),
    };
    const out = y ?? h;
    const slot = returnSequences ? 1 : T; // slot t + 1 holds step t
    const start = offsetBy(out.start, slot * out.step);
    const output: CellOutput = {
      y: { ...out, start, steps: returnSequences ? T : 1, width },
      dy: readsY ? dh : null,
      states: [],
    };
    if (!returnState) return { fields, output, dh, after: [] };
    // The final hidden state is the last output; if both have a gradient, that of the state is added in backward
    const final: Rows = { ...out, start: offsetBy(out.start, T * out.step), steps: 1, width };
    const own = readsY && readsH ? planner.gradientRows(`${name}/dhT`, 1, width) : null;
    const hT: Signal = { y: final, dy: own ?? (readsH ? dh : null), mask: null };
    return { fields, output: { ...output, states: [hT] }, dh, after: dh && own ? [addToLast(dh, own)] : [] };
  }
}

/** A call that adds the gradient of the last time step, in backward. */
function addToLast(dh: Rows, more: Rows): KernelCall {
  const last: Rows = { ...dh, start: offsetBy(dh.start, (dh.steps - 1) * dh.step), steps: 1 };
  const { rows, width } = dh;
  return { kind: 'join', fields: { steps: 1, rows, width, ...rowFields('dx', last), ...rowFields('more', more) } };
}

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Reads an activation that depends on one unit at a time. */
export function checkActivation(call: string, name: string, value: unknown, fallback: ActivationName): ActivationName {
  const activation = value === undefined ? fallback : readActivation(call, name, value, [fallback]);
  if (rowActivations.includes(activation)) {
    fail(
      call,
      `${name} must apply to each unit separately, got '${activation}'; add a dense layer with that activation on top`,
    );
  }
  return activation;
}

function checkRate(call: string, name: string, value: unknown): number {
  return value === undefined ? 0 : checkNumber(call, name, value, { least: 0, below: 1 });
}
