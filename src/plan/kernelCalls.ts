/** The kernels of each kind of plan structure, found by name: a `dense` runs denseForward and denseBackward. */

import type { Kernels } from '../wasm/kernels.ts';
import { activationNumbers, rowBlockNumbers, structures } from '../wasm/shared.generated.ts';
import type { Team } from '../wasm/team.ts';
import type { KernelCall } from './planner.ts';

/** Each takes the address of the plan structure. */
export interface KernelFunctions {
  forward(plan: number): void;
  backward(plan: number): void;
  /** Restores the carried states from before `forward`. */
  rewind(plan: number): void;
}

type Kind = KernelCall['kind'];
type Run = (plan: number, first?: number, count?: number) => void;
type Sizes = Readonly<Record<string, number>>;

/** How threads share a call: forward and backward by rows, then the weight gradients by columns. */
interface Sharing {
  /** Multiplications of the forward pass. */
  readonly work: (sizes: Sizes) => number;
  /** The name of its number of rows. */
  readonly rows: 'batch' | 'rows';
  /** The units in a group of columns, as the kernel of weight gradients counts them. */
  readonly group: number;
  /** Floats of weights, which every range of rows reads at every time step. */
  readonly weights: (sizes: Sizes) => number;
}

const recurrent = (gates: number, group: number): Sharing => ({
  work: ({ batch, steps, inputs, units }) => batch! * steps! * gates * units! * (inputs! + units!),
  rows: 'batch',
  group,
  weights: ({ inputs, units }) => gates * units! * (inputs! + units!),
});

const sharings: Partial<Record<Kind, Sharing>> = {
  lstm: recurrent(4, 4),
  gru: recurrent(3, 4),
  simpleRnn: recurrent(1, 16),
  dense: {
    work: ({ rows, inputs, units }) => rows! * inputs! * units!,
    rows: 'rows',
    group: 16,
    weights: ({ inputs, units }) => inputs! * units!,
  },
};

/** Fewer multiplications take less time than handing out the work. */
const LEAST_WORK = 50_000;
/** Rows in a tile of the products. */
const TILE = 4;
/** Weights that stay in a cache close to the core, in floats: with larger ones, each thread takes one range of rows. */
const CLOSE_WEIGHTS = 65_536;

/**
 * @internal
 * @param team null to run on one thread
 */
export function kernelFunctions(kernels: Kernels, { kind, fields }: KernelCall, team: Team | null): KernelFunctions {
  const named = kernels as unknown as Partial<Record<string, Run>>;
  const run = (direction: string): Run => named[kind + direction] ?? (() => {});
  const rewind = run('Rewind');
  const sizes = fields as unknown as Sizes;
  const sharing = sharings[kind];
  if (team && sharing && sharing.work(sizes) >= LEAST_WORK && !needsOneThread(kind, sizes)) {
    return { ...sharedFunctions(named, kind, sizes, sharing, team), rewind };
  }
  // Kernels with a batch size in their structure take a range of rows
  if (!(structures[kind] as readonly string[]).includes('batch')) {
    return { forward: run('Forward'), backward: run('Backward'), rewind };
  }
  const inBlocks = (kernel: Run) => (plan: number) => {
    for (let first = 0; first < sizes.batch!; first += BLOCK)
      kernel(plan, first, Math.min(BLOCK, sizes.batch! - first));
  };
  return { forward: inBlocks(run('Forward')), backward: inBlocks(run('Backward')), rewind };
}

const BLOCK = rowBlockNumbers.rows;

/** The logarithm of softmax has scratch for one row only. */
const needsOneThread = (kind: Kind, { activation }: Sizes): boolean =>
  kind === 'dense' && activation === activationNumbers.logSoftmax;

function sharedFunctions(
  named: Partial<Record<string, Run>>,
  kind: Kind,
  sizes: Sizes,
  { rows: rowsName, group, weights }: Sharing,
  team: Team,
): Pick<KernelFunctions, 'forward' | 'backward'> {
  const rows = sizes[rowsName]!;
  const groups = Math.ceil(sizes.units! / group);
  const ranges = weights(sizes) > CLOSE_WEIGHTS ? team.size : 4 * team.size;
  const rowsEach = Math.min(BLOCK, Math.ceil(rows / ranges / TILE) * TILE);
  const groupsEach = Math.ceil(groups / (4 * team.size));
  // Carried states are stored last, because a kernel that reads them may run again
  const end = sizes.stateH ? `${kind}ForwardEnd` : undefined;
  const start = named[`${kind}BackwardStart`]!;
  return {
    forward: plan => team.run(`${kind}ForwardRows`, plan, rows, rowsEach, end),
    backward: plan => {
      start(plan);
      team.run(`${kind}BackwardRows`, plan, rows, rowsEach);
      team.run(`${kind}BackwardWeights`, plan, groups, groupsEach);
    },
  };
}
