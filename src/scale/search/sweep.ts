/** `sweep`: searches for the parameters of a task with the best value. */

import { rejectExtraArguments } from '../../util/arguments.ts';
import { fail, show } from '../../util/errors.ts';
import { seedAt } from '../../util/random.ts';
import { RandomGenerator } from '../../util/randomGenerator.ts';
import { type Engine, type Json, TaskError } from '../engine.ts';
import { canonicalJson, sha256 } from '../hash.ts';
import { local } from '../local.ts';
import { isStored } from '../stores.ts';
import { type Asha, isPromoted, rungAfter, rungsUpTo } from './asha.ts';
import { beginning, type ChainParts, type ChainStep, type Place, runChain, taskOf } from './chain.ts';
import { type Change, StudyJournal } from './journal.ts';
import type { StoredTrial } from './journalState.ts';
import { suggest } from './samplers.ts';
import { isCompatible, paramsOf, type Space } from './space.ts';
import { attributeNames, bestOf, type Study, trialOf } from './study.ts';
import { checkSweep, type Settings, type SweepOptions } from './sweepOptions.ts';
import type { Observation } from './trial.ts';

const call = 'sweep';

/**
 * Runs trials of a task with parameters from a search space. The study depends on the options and on the results of the task
 * only: it is the same with any engine and any number of workers. With a journal, it goes on after an interruption, and
 * becomes what it would have become without.
 */
export async function sweep<const S extends Space>(options: SweepOptions<S>): Promise<Study<S>> {
  rejectExtraArguments(call, 1, arguments);
  const settings = checkSweep(call, options);
  settings.signal?.throwIfAborted();
  const engine = settings.engine ?? local();
  const run = new Sweep(settings, engine);
  try {
    await run.open();
    await run.runTrials();
    return run.study() as unknown as Study<S>;
  } finally {
    await run.releaseData();
    if (!settings.engine) await engine.close();
  }
}

class Sweep {
  readonly #settings: Settings;
  readonly #engine: Engine;
  readonly #journal: StudyJournal;
  readonly #stop = new AbortController();
  /** 1 or -1: turns values into losses, of which the lowest is best. */
  readonly #sign: number;
  #data: string | null = null;
  readonly #began = Date.now();
  #ended = 0;
  readonly #running = new Set<number>();

  constructor(settings: Settings, engine: Engine) {
    this.#settings = settings;
    this.#engine = engine;
    this.#journal = new StudyJournal(call, settings.journal);
    this.#sign = settings.direction === 'minimize' ? 1 : -1;
  }

  get #trials(): readonly StoredTrial[] {
    return this.#journal.trials;
  }

  /** Opens the journal, whose study must have been made with the same options. */
  async open(): Promise<void> {
    const { data, direction, name, pruner, parallel, sampler, seed, space } = this.#settings;
    if (data) {
      this.#data = await sha256(data);
      await this.#engine.store.put(this.#data, data);
    }
    const task = await taskOf(this.#partsOf({ number: 0, numbers: {} }), beginning, null);
    const code = task.fileHash ?? `name:${task.file}`;
    const wanted = { task: code, data: this.#data, space, sampler, pruner, seed, parallel } as const;
    const hashes = Object.entries(wanted).map(([key, value]) => [key, JSON.parse(canonicalJson(call, key, value))]);
    await this.#journal.open(name, direction);
    const { study } = this.#journal;
    if (study.direction !== direction) {
      fail(
        call,
        `direction must be that of the study in the journal, ${show(study.direction)}, got ${show(direction)}`,
      );
    }
    const found = study.attributes[attributeNames.settings] as Record<string, unknown> | undefined;
    if (found) {
      for (const [key, value] of hashes) {
        if (canonicalJson(call, key, found[key] ?? null) === canonicalJson(call, key, value)) continue;
        const isText = key === 'seed' || key === 'parallel';
        const values = isText ? `, ${show(found[key])}, got ${show(value)}` : '';
        fail(
          call,
          `${key} must be that of the study in the journal${values}; for another study, use another name or journal`,
        );
      }
      return;
    }
    for (const trial of study.trials) this.#checkTrial(trial);
    await this.#journal.write([
      { kind: 'studyAttribute', name: attributeNames.settings, value: Object.fromEntries(hashes) },
    ]);
  }

  /** Checks a trial of another program by the rule of Optuna: ranges may differ, the rest may not. */
  #checkTrial({ number, distributions }: StoredTrial): void {
    for (const [name, distribution] of Object.entries(this.#settings.space)) {
      const other = distributions[name];
      if (other === undefined || isCompatible(distribution, other)) continue;
      fail(
        call,
        `space.${name} must be as in trial ${number} of the journal but for its range, got a different ${distribution.kind}`,
      );
    }
  }

  async releaseData(): Promise<void> {
    if (this.#data !== null) await this.#engine.store.release?.(this.#data);
  }

  async runTrials(): Promise<void> {
    const { parallel, pruner, sampler, signal, trials } = this.#settings;
    const stop = () => this.#stop.abort(signal!.reason);
    signal?.addEventListener('abort', stop);
    const results: Promise<void>[] = [];
    let error: { reason: unknown } | null = null;
    // Where a trial depends on no other one, more of them only keep the workers busy
    const window = sampler.name === 'tpe' || pruner ? parallel : Math.max(parallel, 2 * this.#engine.slots);
    try {
      for (let number = 0; number < trials; number++) {
        await results[number - window];
        if (error) break;
        const isToRun = await this.#start(number); // before the next one is chosen, which keeps away from it
        results.push(
          (isToRun ? this.#runTrial(number) : Promise.resolve()).catch((reason: unknown) => {
            error ??= { reason };
            this.#stop.abort(reason);
          }),
        );
      }
      await Promise.all(results);
    } catch (reason) {
      error ??= { reason };
      this.#stop.abort(reason);
      await Promise.all(results);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
    const failed = error as { reason: unknown } | null;
    if (failed) throw signal?.aborted ? signal.reason : failed.reason;
  }

  study(): Study {
    const best = bestOf(this.#trials, this.#sign);
    const shown = (stored: StoredTrial) => trialOf(stored, this.#seedOf(stored.number));
    return {
      name: this.#journal.study.name,
      direction: this.#settings.direction,
      trials: this.#trials.map(shown),
      best: best && shown(best),
      model: async trial => {
        const { number } = (trial === undefined ? best : trial) ?? {};
        const stored = this.#trials[number ?? -1];
        if (!stored)
          fail('study.model', `trial must be one of the study, got ${show(trial === undefined ? best : trial)}`);
        return this.#modelOf(stored);
      },
    };
  }

  /** Every second seed is that of a trial, the others are those of its sampler. */
  #seedOf = (number: number): number => seedAt(this.#settings.seed, 2 * number + 1);

  #partsOf = ({ number, numbers }: Pick<StoredTrial, 'number' | 'numbers'>): ChainParts => ({
    file: this.#settings.task,
    params: paramsOf(this.#settings.space, numbers),
    seed: this.#seedOf(number),
    data: this.#data,
  });

  #rungAfter = (step: number): number | null => {
    const { pruner } = this.#settings;
    return pruner && rungAfter(pruner, step);
  };

  async #runTrial(number: number): Promise<void> {
    const trial = this.#trials[number]!;
    this.#running.add(number);
    this.#report(trial);
    const { signal } = this.#stop;
    try {
      const start = await this.#placeOf(trial);
      const goesOn = (step: ChainStep) => this.#reachRung(trial, step);
      const last = await runChain(this.#engine, this.#partsOf(trial), this.#rungAfter, goesOn, { signal, start });
      await this.#finish(trial, last);
    } catch (error) {
      if (!(error instanceof TaskError) || signal.aborted) throw error;
      await this.#fail(trial, error.message);
    }
    this.#running.delete(number);
    this.#ended++;
    this.#report(trial);
  }

  /** Writes the parameters of a trial. @returns whether it is to run */
  async #start(number: number): Promise<boolean> {
    const { sampler, seed, space } = this.#settings;
    const found = this.#trials[number];
    if (found && found.state !== 'running' && found.state !== 'waiting') return false;
    const draws = new RandomGenerator(seedAt(seed, 2 * number));
    const numbers = suggest(sampler, space, number, this.#observed(number), () => draws.uniform());
    const changes: Change[] = [];
    if (!found) changes.push({ kind: 'trial', number });
    if (found?.state === 'waiting') changes.push({ kind: 'start', number });
    for (const [name, distribution] of Object.entries(space)) {
      if (found?.numbers[name] !== undefined) continue;
      changes.push({ kind: 'parameter', number, name, value: numbers[name]!, distribution });
    }
    if (changes.length > 0) await this.#journal.write(changes);
    return true;
  }

  /** The trials before a number as its sampler may see them: those too near to it count as running, whatever they are. */
  #observed(number: number): Observation[] {
    const { parallel, sampler } = this.#settings;
    if (sampler.name !== 'tpe') return [];
    return this.#trials.slice(0, number).map((trial): Observation => {
      const { numbers, state, value, intermediate } = trial;
      if (trial.number > number - parallel || state === 'waiting') {
        return { state: 'running', numbers, loss: undefined, last: undefined };
      }
      const loss = state === 'complete' && value !== null ? this.#sign * value : undefined;
      const step = Math.max(...intermediate.keys());
      const last = intermediate.size > 0 ? { step, loss: this.#sign * intermediate.get(step)! } : undefined;
      return { state, numbers, loss, last };
    });
  }

  /** Where a trial of an interrupted study goes on. */
  async #placeOf({ attributes }: StoredTrial): Promise<Place> {
    const { step, snapshot } = (attributes[attributeNames.snapshot] ?? beginning) as Place;
    if (snapshot === null || !(await isStored(this.#engine.store, snapshot))) return beginning;
    return { step, snapshot };
  }

  /** Writes what a task has reported. @returns whether the trial goes on to the next rung */
  async #reachRung(trial: StoredTrial, { value, place }: ChainStep): Promise<boolean> {
    const { pruner } = this.#settings;
    const { number, intermediate } = trial;
    const changes: Change[] = [];
    for (const [step, found] of value.reports) {
      const reported = found ?? Number.NaN;
      if (!Object.is(intermediate.get(step), reported)) changes.push({ kind: 'value', number, step, value: reported });
    }
    const decision = pruner && value.stopped ? this.#decide(pruner, trial, value.value, place.step) : null;
    changes.push(...(decision?.changes ?? []));
    if (decision?.goesOn) changes.push({ kind: 'attribute', number, name: attributeNames.snapshot, value: place });
    if (changes.length > 0) await this.#journal.write(changes);
    if (decision?.goesOn) this.#report(trial);
    return decision?.goesOn ?? false;
  }

  /**
   * Decides at all rungs that a trial has reached, whether it goes on. The results at rungs that it had passed before count as
   * they are in the journal.
   */
  #decide(pruner: Asha, { number, systemAttributes }: StoredTrial, value: Json, step: number) {
    const changes: Change[] = [];
    const earlier = this.#trials.slice(0, Math.max(0, number - this.#settings.parallel + 1));
    for (const rung of rungsUpTo(pruner, step).keys()) {
      const name = `completed_rung_${rung}`; // as the pruner of Optuna
      const own = systemAttributes[name] ?? value;
      const loss = typeof own === 'number' ? this.#sign * own : Number.NaN;
      if (systemAttributes[name] === undefined && !Number.isNaN(loss)) {
        changes.push({ kind: 'systemAttribute', number, name, value: own });
      }
      const others = earlier.map(other => other.systemAttributes[name]).filter(other => typeof other === 'number');
      const losses = others.map(other => this.#sign * other);
      if (!isPromoted(pruner, loss, losses)) return { goesOn: false, changes };
    }
    return { goesOn: true, changes };
  }

  async #finish(trial: StoredTrial, { value: { value, stopped }, place, result }: ChainStep): Promise<void> {
    const { number } = trial;
    if (place.snapshot !== null) await this.#engine.store.release?.(place.snapshot);
    if (stopped) {
      const last = typeof value === 'number' ? value : null;
      await this.#journal.write([{ kind: 'end', number, state: 'pruned', value: last }]);
      return;
    }
    if (typeof value !== 'number') {
      await this.#fail(
        trial,
        value === null ? 'the value is not finite' : `the value must be a number, got ${show(value)}`,
      );
      return;
    }
    const { model } = result.blobs;
    const before = bestOf(this.#trials, this.#sign);
    await this.#journal.write([
      ...(model === undefined
        ? []
        : [{ kind: 'attribute', number, name: attributeNames.model, value: model } as const]),
      { kind: 'end', number, state: 'complete', value },
    ]);
    const worse = bestOf(this.#trials, this.#sign) === trial ? before?.attributes[attributeNames.model] : model;
    if (typeof worse === 'string') await this.#engine.store.release?.(worse);
  }

  #fail = ({ number }: StoredTrial, message: string): Promise<void> =>
    this.#journal.write([
      { kind: 'attribute', number, name: attributeNames.error, value: message },
      { kind: 'end', number, state: 'failed', value: null },
    ]);

  #report(trial: StoredTrial): void {
    const { onProgress, trials } = this.#settings;
    if (!onProgress) return;
    const shown = (stored: StoredTrial) => trialOf(stored, this.#seedOf(stored.number));
    const count = (state: StoredTrial['state']) => this.#trials.filter(stored => stored.state === state).length;
    const [pruned, failed] = [count('pruned'), count('failed')];
    const done = count('complete') + pruned + failed;
    const best = bestOf(this.#trials, this.#sign);
    const left = Math.max(0, trials - done);
    onProgress({
      done,
      total: trials,
      running: this.#running.size,
      pruned,
      failed,
      best: best && shown(best),
      trial: shown(trial),
      timeLeft: this.#ended === 0 ? null : (left * (Date.now() - this.#began)) / this.#ended / 1000,
    });
  }

  async #modelOf(trial: StoredTrial): Promise<Uint8Array> {
    const hash = trial.attributes[attributeNames.model];
    if (typeof hash !== 'string') fail('study.model', `trial must be one with a model, got trial ${trial.number}`);
    const kept = await this.#engine.store.get(hash);
    if (kept) return kept;
    const engine = this.#settings.engine ?? local({ workers: 1 });
    try {
      if (this.#settings.data) await engine.store.put(this.#data!, this.#settings.data);
      await runChain(engine, this.#partsOf(trial), this.#rungAfter, async () => true);
      return (
        (await engine.store.get(hash)) ??
        fail('study.model', `the task must give the same model again, got another one for trial ${trial.number}`)
      );
    } finally {
      if (engine !== this.#settings.engine) await engine.close();
      else if (this.#data !== null) await engine.store.release?.(this.#data);
    }
  }
}
