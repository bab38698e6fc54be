/** The kernels of each kind of plan structure, found by name: a `dense` runs denseForward and denseBackward. */

import { fieldNames, team } from '../wasm/engine.ts';
import type { Kernels } from '../wasm/kernels.ts';
import { activationNumbers, rowBlockNumbers, rowGroupNumbers } from '../wasm/shared.generated.ts';
import type { Team } from '../wasm/team.ts';
import { type HostCall, type KernelCall, type KernelFunctions, padded } from './planner.ts';
import { sharesUnits, unitFunctions } from './unitGroups.ts';

type Kind = KernelCall['kind'];
type Run = (plan: number, first?: number, count?: number) => void;
type Sizes = Readonly<Record<string, number>>;

/** How threads share a call: forward and backward by rows, then the weight gradients by columns. */
interface Sharing {
  /** Multiplications of the forward pass. */
  readonly work: (sizes: Sizes) => number;
  readonly rows: (sizes: Sizes) => number;
  /** Rows in a tile of the products. */
  readonly tile: number;
  /** The groups of columns, or their halves, as the kernel of weight gradients counts them; 0 without weights. */
  readonly groups: (sizes: Sizes) => number;
  /** Floats of weights, which every chunk of rows reads at every time step. */
  readonly weights: (sizes: Sizes) => number;
}

const recurrent = (gates: number, group: number, parts = 1): Sharing => ({
  work: ({ batch, steps, inputs, units }) => batch! * steps! * gates * units! * (inputs! + units!),
  rows: ({ batch }) => batch!,
  tile: TILE,
  groups: ({ units }) => parts * Math.ceil(units! / group),
  weights: ({ inputs, units }) => gates * units! * (inputs! + units!),
});

/** Rows in a tile of the products. */
const TILE = 4;
/** Columns in a group of dense and normalization layers. */
const COLUMNS = 16;

const sharings: Partial<Record<Kind, Sharing>> = {
  lstm: recurrent(4, 4, 2),
  gru: recurrent(3, 4),
  simpleRnn: recurrent(1, 16),
  lstmVariant: {
    work: ({ batch, steps, inputs, units, outputs }) => batch! * steps! * 4 * units! * (inputs! + outputs!),
    rows: ({ batch }) => batch!,
    tile: TILE,
    groups: ({ units, outputs, projection }) =>
      Math.ceil(units! / 4) + (projection === 0 ? 0 : Math.ceil(outputs! / COLUMNS)),
    weights: ({ inputs, units, outputs }) => 4 * units! * (inputs! + outputs!),
  },
  minRnn: {
    work: ({ batch, steps, gateCount, inputs, units }) => batch! * steps! * gateCount! * inputs! * units!,
    rows: ({ batch }) => batch!,
    tile: TILE,
    groups: ({ gateCount, units }) => Math.ceil((gateCount! * padded(units!)) / COLUMNS),
    weights: ({ gateCount, inputs, units }) => gateCount! * inputs! * units!,
  },
  dense: {
    work: ({ rows, inputs, units }) => rows! * inputs! * units!,
    rows: ({ stepRows }) => stepRows!,
    tile: TILE,
    groups: ({ units }) => Math.ceil(units! / COLUMNS),
    weights: ({ inputs, units }) => inputs! * units!,
  },
  conv1d: {
    work: ({ rows, outputSteps, taps, inputs, units }) => rows! * outputSteps! * taps! * inputs! * units!,
    rows: ({ rows }) => rows!,
    tile: 1,
    groups: ({ units }) => Math.ceil(units! / 16),
    weights: ({ taps, inputs, units }) => taps! * inputs! * units!,
  },
  batchNormalization: {
    work: ({ steps, rows, width }) => (width! > COLUMNS ? steps! * rows! * width! : 0),
    rows: ({ width }) => Math.ceil(width! / COLUMNS), // groups of columns
    tile: 1,
    groups: () => 0,
    weights: () => 0,
  },
  layerNormalization: {
    work: ({ steps, rows, width }) => steps! * rows! * width!,
    rows: ({ steps, rows }) => Math.ceil((steps! * rows!) / rowGroupNumbers.rows),
    tile: 1,
    groups: ({ width, dGamma, dBeta }) => (dGamma === 0 && dBeta === 0 ? 0 : Math.ceil(width! / COLUMNS)),
    weights: () => 0,
  },
  attention: {
    work: ({ rows, heads, queries, keys, depth, width }) => rows! * heads! * queries! * keys! * (depth! + width!),
    rows: ({ rows, heads }) => rows! * heads!,
    tile: 1,
    groups: () => 0,
    weights: () => 0,
  },
};

/** Fewer multiplications take less time than handing out the work. */
const LEAST_WORK = 15_000;

/** @internal Whether the threads of a team share a call. */
export function isShared(call: KernelCall | HostCall, team: Team | null): boolean {
  if (call.kind === 'host') return false;
  const { kind, fields } = call;
  const sharing = sharings[kind];
  const sizes = fields as unknown as Sizes;
  return team !== null && sharing !== undefined && sharing.work(sizes) >= LEAST_WORK && !needsOneThread(kind, sizes);
}

/**
 * @internal
 * @param team null to run on one thread
 */
export function kernelFunctions(kernels: Kernels, call: KernelCall | HostCall, team: Team | null): KernelFunctions {
  if (call.kind === 'host') return call.functions;
  const { kind, fields } = call;
  const named = kernels as unknown as Partial<Record<string, Run>>;
  if (!named[`${kind}Forward`] && !named[`${kind}Backward`]) throw new Error(`the kernels of ${kind} are not in use`);
  const run = (direction: string): Run => named[kind + direction] ?? (() => {});
  const ends = { rewind: run('Rewind'), commit: run('Commit') };
  const sizes = fields as unknown as Sizes;
  if (team && sharesUnits(kind, sizes)) return { ...unitFunctions(kernels, kind, sizes, team), ...ends };
  if (isShared(call, team)) return { ...sharedFunctions(run, kind, sizes, sharings[kind]!, team!), ...ends };
  // Kernels with a batch size in their structure take a range of rows
  if (!fieldNames(kind).includes('batch')) {
    return { forward: run('Forward'), backward: run('Backward'), ...ends };
  }
  const inBlocks = (kernel: Run) => (plan: number) => {
    for (let first = 0; first < sizes.batch!; first += BLOCK)
      kernel(plan, first, Math.min(BLOCK, sizes.batch! - first));
  };
  return { forward: inBlocks(run('Forward')), backward: inBlocks(run('Backward')), ...ends };
}

const BLOCK = rowBlockNumbers.rows;

/** The logarithm of softmax has scratch for one row only; trained scales and gains of attention are summed over all rows. */
const needsOneThread = (kind: Kind, { activation, additive, scale }: Sizes): boolean =>
  kind === 'dense' || kind === 'conv1d'
    ? activation === activationNumbers.logSoftmax
    : kind === 'attention' && (additive! > 0 || scale !== 0);

/** What a chunk costs beside its rows, in rows: handing it out, and reading the weights anew. */
const CHUNK_COST = 2;
/** Weights that stay in a cache close to the core, in floats: with larger ones, each thread takes one chunk. */
const CLOSE_WEIGHTS = 65_536;
/** Weights whose gradients take less time than one chunk in four may be late, in floats. */
const FEW_WEIGHTS = 8192;
/** How much longer than with the best chunks it may take with more of them, which a thread that is late delays less. */
const SLACK = 1.05;

/** What the rows of a last tile that is not full cost beside their number, in rows. */
const PART_COST = 0.4;

/** The rows of a chunk, if each thread takes the next one when it is ready. */
function rowsOfChunk(rows: number, tile: number, threads: number, weights: number): number {
  const best = Math.ceil(rows / threads);
  if (weights > CLOSE_WEIGHTS) return best;
  const limit = SLACK * timeOf(best);
  let size = Math.ceil(rows / (4 * threads) / tile) * tile;
  while (size < best && timeOf(size) > limit) size += tile;
  return Math.min(size, best);

  /** By the thread that takes the most. */
  function timeOf(size: number): number {
    const whole = Math.floor(rows / size);
    const last = whole % threads === 0 ? chunkTime(rows % size) : 0;
    return Math.ceil(whole / threads) * chunkTime(size) + last;
  }

  function chunkTime(size: number): number {
    return size === 0 ? 0 : size + (size % tile === 0 ? 0 : PART_COST) + CHUNK_COST;
  }
}

/**
 * The groups of a chunk, about four chunks for each thread: the most with which the threads finish first. With few weights,
 * a thread takes groups that lie together, so that two cores share fewer lines of their caches.
 */
function groupsOfChunk(groups: number, threads: number, weights: number): number {
  if (weights <= FEW_WEIGHTS) return Math.ceil(groups / threads);
  const most = Math.ceil(groups / (4 * threads));
  const timeOf = (size: number) => Math.ceil(Math.ceil(groups / size) / threads) * size;
  let best = most;
  for (let size = most - 1; size >= most / 2; size--) if (timeOf(size) < timeOf(best)) best = size;
  return best;
}

/** Bytes between two parts: what a core reads ahead. */
export const PART_GAP = 1024;

/**
 * The rows of a part of the batch, whose numbers a layer keeps apart from those of others: a chunk that a thread takes, or
 * the whole batch. A core that reads on behind its rows would otherwise slow down the one that writes there.
 */
export function rowsOfPart(kind: Kind, fields: object): number {
  const sizes = fields as Sizes;
  const { batch } = sizes;
  const threads = team();
  if (!threads || !isShared({ kind, fields } as KernelCall, threads) || sharesUnits(kind, sizes)) return batch!;
  const rows = rowsEachOf(sharings[kind]!, sizes, threads);
  return batch! <= BLOCK && batch! % rows === 0 ? rows : batch!;
}

const rowsEachOf = ({ tile, rows, weights }: Sharing, sizes: Sizes, team: Team): number =>
  Math.min(BLOCK, rowsOfChunk(rows(sizes), tile, team.size, weights(sizes)));

function sharedFunctions(
  run: (direction: string) => Run,
  kind: Kind,
  sizes: Sizes,
  sharing: Sharing,
  team: Team,
): Pick<KernelFunctions, 'forward' | 'backward'> {
  const rows = sharing.rows(sizes);
  const groups = sharing.groups(sizes);
  const rowsEach = rowsEachOf(sharing, sizes, team);
  const groupsEach = groupsOfChunk(groups, team.size, sharing.weights(sizes));
  // Carried states are stored last, because a kernel that reads them may run again
  const end = sizes.stateH ? `${kind}ForwardEnd` : undefined;
  const [forwardStart, backwardStart] = [run('ForwardStart'), run('BackwardStart')];
  return {
    forward: plan => {
      forwardStart(plan);
      team.run(`${kind}ForwardRows`, plan, rows, rowsEach, end);
    },
    backward: plan => {
      backwardStart(plan);
      team.run(`${kind}BackwardRows`, plan, rows, rowsEach);
      if (groups > 0) team.run(`${kind}BackwardWeights`, plan, groups, groupsEach);
    },
  };
}
