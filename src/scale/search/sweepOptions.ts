/** The options of `sweep`. */

import { checkSignal } from '../../training/options.ts';
import { fail, show } from '../../util/errors.ts';
import { checkCount, checkName, checkOptions, checkText } from '../../util/options.ts';
import { checkSeed } from '../../util/random.ts';
import type { Engine } from '../engine.ts';
import { packData } from '../pack.ts';
import { type Asha, checkPruner } from './asha.ts';
import { checkJournal, type JournalStore, type JournalText } from './journalFile.ts';
import { checkSampler, mostTrials, type Sampler } from './samplers.ts';
import { checkSpace, type Space } from './space.ts';
import type { SweepProgress } from './study.ts';
import type { Direction } from './trial.ts';

export interface SweepOptions<S extends Space = Space> {
  /** Where trials run; default `local()`, which is closed at the end. */
  engine?: Engine;
  /** The task file: its address, or its name for workers on other machines. Its value is a number. */
  task: string | URL;
  /** Plain data with typed arrays, which every trial receives. */
  data?: unknown;
  /** The parameters to search: `float`, `int` and `choice` by name. */
  space: S;
  /** How many trials the study has in the end. Not needed by a grid, which has one for each combination. */
  trials?: number;
  /** How to choose parameters; default 'tpe'. */
  sampler?: 'random' | 'grid' | 'tpe' | Sampler;
  /** Ends trials early that are worse than others; default: none. */
  pruner?: 'asha' | Asha | null;
  /** Whether the lowest value is best, or the highest; default 'minimize'. */
  direction?: Direction;
  /** An integer from 0 to 2^53 - 1; default 0. */
  seed?: number;
  /**
   * How many trials are tried at once; default 4. A trial is chosen and pruned by what the trials have given that are at least so
   * many numbers before it, so the results depend on this number, and not on the number of workers.
   */
  parallel?: number;
  /** A path in Node, or a store with `read` and `append`. A study that is in it goes on. Default: none. */
  journal?: string | URL | JournalStore | null;
  /** The name of the study in the journal; default: that of the only study in it, 'sweep' for a new one. */
  name?: string;
  /** Called when a trial starts, reaches a rung or ends. */
  onProgress?: ((progress: SweepProgress<S>) => void) | null;
  /** Ends the sweep, whose promise is rejected with the reason. Trials that are running start again when the study goes on. */
  signal?: AbortSignal | null;
}

const known = [
  ...['engine', 'task', 'data', 'space', 'trials', 'sampler', 'pruner', 'direction', 'seed', 'parallel', 'journal'],
  ...['name', 'onProgress', 'signal'],
] as const;

/** Checked options. */
export interface Settings {
  readonly engine: Engine | null;
  readonly task: string | URL;
  /** The packed data. */
  readonly data: Uint8Array | null;
  readonly space: Space;
  readonly trials: number;
  readonly sampler: Sampler;
  readonly pruner: Asha | null;
  readonly direction: Direction;
  readonly seed: number;
  readonly parallel: number;
  readonly journal: JournalText | null;
  readonly name: string | undefined;
  readonly onProgress: ((progress: SweepProgress) => void) | null;
  readonly signal: AbortSignal | null;
}

export function checkSweep(call: string, options: unknown): Settings {
  const given = checkOptions<SweepOptions>(call, options, known);
  const { task, onProgress, name, trials } = given;
  if (!(task instanceof URL) && (typeof task !== 'string' || task === '')) {
    fail(
      call,
      `task must be the address of a module, such as new URL('./train.js', import.meta.url), got ${show(task)}`,
    );
  }
  const space = checkSpace(call, given.space);
  const sampler = checkSampler(call, given.sampler ?? 'tpe');
  const most = mostTrials(sampler, space);
  if (trials === undefined && most === Number.POSITIVE_INFINITY)
    fail(call, 'trials must be an integer of at least 1, got undefined');
  if (onProgress !== undefined && onProgress !== null && typeof onProgress !== 'function') {
    fail(call, `onProgress must be a function, got ${show(onProgress)}`);
  }
  return {
    engine: checkEngine(call, given.engine),
    task,
    data: given.data === undefined || given.data === null ? null : packData(call, 'data', given.data),
    space,
    trials: trials === undefined ? most : Math.min(most, checkCount(call, 'trials', trials)),
    sampler,
    pruner: checkPruner(call, given.pruner),
    direction: checkName(call, 'direction', given.direction ?? 'minimize', ['minimize', 'maximize']),
    seed: checkSeed(call, given.seed ?? 0),
    parallel: checkCount(call, 'parallel', given.parallel ?? 4),
    journal: checkJournal(call, given.journal),
    name: name === undefined ? undefined : checkText(call, 'name', name),
    onProgress: onProgress ?? null,
    signal: checkSignal(call, given.signal ?? null),
  };
}

function checkEngine(call: string, value: unknown): Engine | null {
  if (value === undefined || value === null) return null;
  const { run, slots, store } = value as Partial<Engine>;
  if (typeof run === 'function' && typeof slots === 'number' && typeof store === 'object') return value as Engine;
  return fail(call, `engine must be an engine, such as local(), got ${show(value)}`);
}
