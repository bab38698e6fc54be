import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TaskError } from '../../../src/scale/engine.ts';
import { asha } from '../../../src/scale/search/asha.ts';
import type { JournalStore } from '../../../src/scale/search/journalFile.ts';
import { grid, tpe } from '../../../src/scale/search/samplers.ts';
import { choice, float, int } from '../../../src/scale/search/space.ts';
import type { SweepProgress } from '../../../src/scale/search/study.ts';
import { sweep } from '../../../src/scale/search/sweep.ts';
import type { SweepOptions } from '../../../src/scale/search/sweepOptions.ts';
import { progressText } from '../../../src/scale/search/terminalProgress.ts';
import { memoryStore } from '../../../src/scale/stores.ts';
import { inProcess } from './inProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `study-${files++}.jsonl`);

const task = new URL('../tasks/curve.js', import.meta.url);
const space = {
  rate: float(1e-4, 1, { log: true }),
  units: int(4, 64),
  cell: choice(['lstm', 'gru']),
};
const options = { task, space, trials: 40, pruner: asha({ reductionFactor: 2, maxResource: 12 }), seed: 5 } as const;

/** A delay that depends on the task only by chance. */
const jitter = () => new Promise<void>(resolve => setTimeout(resolve, Math.random() * 4));

/** A journal in memory. */
function memoryJournal(text = ''): JournalStore & { text: string } {
  return {
    text,
    read() {
      return this.text;
    },
    append(lines) {
      this.text += lines;
    },
  };
}

const reference = await sweep({ ...options, engine: inProcess() });

describe('a sweep', () => {
  it('has complete, pruned and failed trials, of which the best is complete', () => {
    const count = (state: string) => reference.trials.filter(trial => trial.state === state).length;
    expect(reference.trials.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    expect(count('complete')).toBeGreaterThan(3);
    expect(count('pruned')).toBeGreaterThan(10);
    expect(count('complete') + count('pruned') + count('failed')).toBe(40);
    const values = reference.trials.filter(({ state }) => state === 'complete').map(({ value }) => value!);
    expect(reference.best!.value).toBe(Math.min(...values));
    expect(reference.best!.params.cell).toBe('gru');
  });

  it.each([1, 2, 8])('gives the same trials on %d workers, whatever the order in which they end', async slots => {
    const engine = inProcess({ slots, before: jitter });
    const study = await sweep({ ...options, engine, journal: memoryJournal() });
    expect(study.trials).toEqual(reference.trials);
    expect(engine.most()).toBe(Math.min(slots, 4));
    expect(await study.model()).toEqual(await reference.model());
  });

  it.each(['random', 'tpe', tpe({ multivariate: true })] as const)(
    'does not depend on the number of workers without a pruner: %o',
    async sampler => {
      const studies = await Promise.all(
        [1, 5].map(slots => sweep({ ...options, sampler, pruner: null, engine: inProcess({ slots, before: jitter }) })),
      );
      expect(studies[0]!.trials).toEqual(studies[1]!.trials);
      expect(studies[0]!.trials.every(({ state }) => state !== 'pruned')).toBe(true);
    },
  );

  it('runs a trial as a chain of tasks, each from the snapshot of the one before', async () => {
    const engine = inProcess();
    const study = await sweep({ ...options, engine });
    const { seed, reports } = study.best!;
    const chain = engine.tasks.filter(one => one.seed === seed);
    expect(chain.map(({ input }) => input)).toEqual(
      [{ to: 1 }, { from: 1, to: 2 }, { from: 2, to: 4 }, { from: 4, to: 8 }, { from: 8 }].map(steps => ({
        params: study.best!.params,
        ...steps,
      })),
    );
    expect(reports.map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it('gives the value and the model of a trial that runs in one piece', async () => {
    const { best } = reference;
    const whole = await sweep({
      ...options,
      pruner: null,
      sampler: 'random',
      trials: 1,
      seed: 5,
      engine: inProcess(),
    });
    const again = await sweep({ ...options, sampler: 'random', trials: 1, seed: 5, engine: inProcess() });
    expect(again.trials).toEqual(whole.trials);
    expect(await again.model()).toEqual(await whole.model());
    expect(best!.seed).toBe(reference.trials[best!.number]!.seed);
  });

  it('searches for the highest value with direction maximize', async () => {
    const study = await sweep({ ...options, direction: 'maximize', engine: inProcess() });
    const values = study.trials.filter(({ state }) => state === 'complete').map(({ value }) => value!);
    expect(study.best!.value).toBe(Math.max(...values));
    expect(study.best!.value).toBeGreaterThan(reference.best!.value! + 1);
  });

  it('tries each combination of a grid once', async () => {
    const small = {
      units: int(10, 30, { step: 10 }),
      rate: float(1e-3, 0.1, { log: true }),
      cell: choice(['gru', 'lstm']),
    };
    const study = await sweep({ task, space: small, sampler: grid({ points: 3 }), engine: inProcess({ slots: 3 }) });
    const seen = study.trials.map(({ params }) => `${params.units} ${params.rate} ${params.cell}`);
    expect(seen.slice(0, 7)).toEqual([
      ...['10 0.001 gru', '10 0.001 lstm', '10 0.01 gru', '10 0.01 lstm', '10 0.1 gru', '10 0.1 lstm'],
      '20 0.001 gru',
    ]);
    expect(new Set(seen).size).toBe(18);
    expect(study.best!.params).toEqual({ units: 20, rate: 0.01, cell: 'gru' });
  });

  it('records a task that fails, and one whose value is not finite, and continues', async () => {
    const broken = { ...options, space: { ...space, units: int(13, 15) }, sampler: 'grid', pruner: null } as const;
    const study = await sweep({ ...broken, sampler: grid({ points: 2 }), engine: inProcess() });
    const errors = (units: number) =>
      new Set(
        study.trials.filter(({ params }) => params.units === units).map(({ state, error }) => `${state}: ${error}`),
      );
    expect([...errors(13)]).toEqual(['failed: 13 units are too many']);
    expect([...errors(14)]).toEqual(['failed: the value is not finite']);
    expect([...errors(15)]).toEqual(['complete: null']);
    expect(study.trials.find(({ params }) => params.units === 14)!.reports.at(-1)).toEqual([12, Number.NaN]);
  });

  it('prunes a trial whose value is not finite at a rung', async () => {
    const broken = { ...space, units: choice([14]) };
    const study = await sweep({ ...options, space: broken, trials: 3, engine: inProcess() });
    expect(study.trials.filter(({ reports }) => reports.length > 2).map(({ state }) => state)).toContain('pruned');
    expect(study.best).toBeNull();
    await expect(study.model()).rejects.toThrow('study.model: trial must be one of the study, got null');
  });

  it('computes a lost snapshot again, with the same result', async () => {
    const store = memoryStore();
    const gone = new Set<string>();
    let [used, lost] = [0, 0];
    const engine = inProcess({
      store: {
        get: async hash => (gone.has(hash) ? undefined : store.get(hash)),
        has: async hash => !gone.has(hash) && store.has!(hash),
        put(hash, bytes) {
          gone.delete(hash);
          return store.put(hash, bytes);
        },
      },
      before({ blobs: { snapshot } }) {
        if (snapshot === undefined || ++used % 7 !== 0) return;
        gone.add(snapshot);
        lost++;
      },
    });
    const study = await sweep({ ...options, engine });
    expect(study.trials).toEqual(reference.trials);
    expect(lost).toBeGreaterThan(5);
  });

  it('keeps the model of the best trial, and computes others again', async () => {
    const engine = inProcess();
    const study = await sweep({ ...options, engine });
    const count = engine.tasks.length;
    const text = new TextDecoder().decode(await study.model());
    expect(text).toMatch(new RegExp(`^model \\d+ ${study.best!.value}$`));
    expect(engine.tasks.length).toBe(count);
    const other = study.trials.find(({ state, number }) => state === 'complete' && number !== study.best!.number)!;
    expect(new TextDecoder().decode(await study.model(other))).toMatch(new RegExp(`^model \\d+ ${other.value}$`));
    expect(engine.tasks.length).toBe(count + 5);
    const pruned = study.trials.find(({ state }) => state === 'pruned')!;
    await expect(study.model(pruned)).rejects.toThrow(
      `study.model: trial must be one with a model, got trial ${pruned.number}`,
    );
  });

  it('reports its progress', async () => {
    const seen: [number, number, number | null][] = [];
    const study = await sweep({
      ...options,
      engine: inProcess({ slots: 2, before: jitter }),
      onProgress: ({ done, total, running, best, timeLeft }) => {
        expect(total).toBe(40);
        expect(running).toBeLessThanOrEqual(4);
        expect(timeLeft === null).toBe(done === 0);
        seen.push([done, running, best?.value ?? null]);
      },
    });
    expect(seen[0]).toEqual([0, 1, null]);
    expect(seen.at(-1)).toEqual([40, 0, study.best!.value]);
    expect(seen.every(([done], n) => n === 0 || done >= seen[n - 1]![0])).toBe(true);
  });

  it('has a text for terminals', async () => {
    const texts: string[] = [];
    const onProgress = (progress: SweepProgress) => texts.push(progressText({ ...progress, timeLeft: 100 }));
    const study = await sweep({ ...options, engine: inProcess(), onProgress });
    const pruned = study.trials.filter(({ state }) => state === 'pruned').length;
    const best = `best ${Number(study.best!.value!.toPrecision(3))} (trial ${study.best!.number})`;
    expect(texts[0]).toBe('0/40 trials, 2 min left');
    expect(texts.at(-1)).toContain(`40/40 trials, ${pruned} pruned`);
    expect(texts.at(-1)).toContain(`${best}, 2 min left`);
    expect(progressText({ done: 3, total: 12, failed: 1, timeLeft: 5 })).toBe('3/12 series, 1 failed, 5 s left');
    expect(progressText({ done: 3, total: null, failed: 0, timeLeft: null })).toBe('3 series');
  });

  it('rejects with what the engine rejects with, and with the reason of its signal', async () => {
    const away = { ...inProcess(), run: () => Promise.reject(new Error('Redis is away')) };
    await expect(sweep({ ...options, engine: away })).rejects.toThrow('Redis is away');
    const controller = new AbortController();
    const engine = inProcess({
      slots: 2,
      before: (_, count) => void (count === 9 && controller.abort(new Error('enough'))),
    });
    await expect(sweep({ ...options, engine, signal: controller.signal })).rejects.toThrow('enough');
    expect(engine.tasks.length).toBeLessThan(12);
    const onProgress = () => {
      throw new Error('no terminal');
    };
    await expect(sweep({ ...options, engine: inProcess(), onProgress })).rejects.toThrow('no terminal');
  });
});

describe('a study in a journal', () => {
  /** Runs the sweep until a number of tasks have started, as if it had been killed. */
  async function interrupt(journal: string | JournalStore, after: number, more: object = {}): Promise<void> {
    const controller = new AbortController();
    const engine = inProcess({
      slots: 2,
      before: (_, count) => (count >= after ? controller.abort(new Error('killed')) : jitter()),
    });
    await expect(sweep({ ...options, engine, journal, signal: controller.signal, ...more })).rejects.toThrow('killed');
  }

  it.each([1, 2, 7, 23, 50])('continues after task %d to the same trials, without its snapshots', async after => {
    const journal = newPath();
    await interrupt(journal, after);
    await interrupt(journal, 9);
    const study = await sweep({ ...options, engine: inProcess({ slots: 3, before: jitter }), journal });
    expect(study.trials).toEqual(reference.trials);
    expect(await study.model()).toEqual(await reference.model());
  });

  it('continues from the snapshots that the store of the engine has', async () => {
    const store = memoryStore();
    const journal = newPath();
    const controller = new AbortController();
    const engine = inProcess({
      store,
      before: ({ blobs }) => void (blobs.snapshot && controller.abort(new Error('killed'))),
    });
    await expect(sweep({ ...options, engine, journal, signal: controller.signal })).rejects.toThrow('killed');
    const [{ seed } = { seed: 0 }] = engine.tasks;
    const next = inProcess({ store });
    expect((await sweep({ ...options, engine: next, journal })).trials).toEqual(reference.trials);
    expect(next.tasks.find(one => one.seed === seed)!.input).toMatchObject({ from: 1, to: 2 });
  });

  it('continues after a cut at any byte, as one that kill -9 leaves', async () => {
    const whole = memoryJournal();
    const few = { ...options, trials: 6 };
    const expected = await sweep({ ...few, engine: inProcess(), journal: whole });
    const bytes = Buffer.from(whole.text);
    for (let cut = 0; cut < bytes.length; cut += 211) {
      const journal = newPath();
      writeFileSync(journal, bytes.subarray(0, cut));
      const study = await sweep({ ...few, engine: inProcess(), journal });
      expect(study.trials).toEqual(expected.trials);
      for (const line of readFileSync(journal, 'utf8').trimEnd().split('\n'))
        expect(() => JSON.parse(line)).not.toThrow();
    }
  });

  it('runs nothing again when it is complete, and adds trials when there are to be more', async () => {
    const journal = newPath();
    await sweep({ ...options, trials: 25, engine: inProcess(), journal });
    const engine = inProcess();
    const same = await sweep({ ...options, trials: 25, engine, journal });
    expect(engine.tasks.length).toBe(0);
    expect(same.trials).toEqual(reference.trials.slice(0, 25));
    expect((await sweep({ ...options, engine, journal })).trials).toEqual(reference.trials);
  });

  it('shares a file with another study that runs at the same time', async () => {
    const journal = newPath();
    const names = ['first', 'second'];
    const run = () =>
      Promise.all(
        names.map(name =>
          sweep({ ...options, trials: 20, name, engine: inProcess({ slots: 2, before: jitter }), journal }),
        ),
      );
    for (const study of await run()) expect(study.trials).toEqual(reference.trials.slice(0, 20));
    for (const study of await run()) expect(study.trials).toEqual(reference.trials.slice(0, 20));
    await expect(sweep({ ...options, engine: inProcess(), journal })).rejects.toThrow(
      "sweep: name must be that of one study of the journal, 'first', 'second', got undefined",
    );
  });

  it.each([
    [{ seed: 6 }, 'sweep: seed must be that of the study in the journal, 5, got 6; for another study'],
    [{ parallel: 2 }, 'sweep: parallel must be that of the study in the journal, 4, got 2; for another study'],
    [{ sampler: 'random' }, 'sweep: sampler must be that of the study in the journal; for another study'],
    [{ pruner: null }, 'sweep: pruner must be that of the study in the journal; for another study'],
    [{ data: { shift: 1 } }, 'sweep: data must be that of the study in the journal; for another study'],
    [
      { direction: 'maximize' },
      "sweep: direction must be that of the study in the journal, 'minimize', got 'maximize'",
    ],
    [
      { space: { ...space, units: int(4, 65) } },
      'sweep: space must be that of the study in the journal; for another study',
    ],
  ] as const)('must be continued with the same options: %o', async (change, message) => {
    const journal = newPath();
    await sweep({ ...options, trials: 1, engine: inProcess(), journal });
    await expect(sweep({ ...options, ...change, engine: inProcess(), journal })).rejects.toThrow(message);
  });

  it('takes the lock of a process that was killed, and waits for that of one that is alive', async () => {
    const journal = newPath();
    writeFileSync(`${journal}.lock`, '');
    const old = Date.now() / 1000 - 60;
    utimesSync(`${journal}.lock`, old, old);
    await sweep({ ...options, trials: 1, engine: inProcess(), journal });
    const { pid } = spawnSync('true');
    writeFileSync(`${journal}.lock`, `lstm-wasm ${pid} ${hostname()}`);
    await sweep({ ...options, trials: 1, engine: inProcess(), journal });
    writeFileSync(`${journal}.lock`, `lstm-wasm ${process.pid} ${hostname()}`);
    let isDone = false;
    const waiting = sweep({ ...options, trials: 2, engine: inProcess(), journal }).then(() => {
      isDone = true;
    });
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(isDone).toBe(false);
    rmSync(`${journal}.lock`);
    await waiting;
  });

  it('names the line of a journal that is not one of Optuna', async () => {
    const journal = newPath();
    writeFileSync(
      journal,
      '{"op_code": 0, "worker_id": "w", "study_name": "sweep", "directions": [1]}\n{"hello": 1}\n',
    );
    await expect(sweep({ ...options, engine: inProcess(), journal })).rejects.toThrow(
      `sweep: line 2 of the journal must be a record of Optuna, got '{"hello": 1}'`,
    );
    await expect(sweep({ ...options, engine: inProcess(), journal: join(folder, 'none', 'x') })).rejects.toThrow(
      'sweep: journal must be a file that can be written, got ENOENT',
    );
  });

  it('records workers that died as a failed trial', async () => {
    let count = 0;
    const engine = inProcess();
    const dying: typeof engine = {
      ...engine,
      run: (one, given) =>
        ++count === 3 ? Promise.reject(new TaskError('3 threads have ended', one)) : engine.run(one, given),
    };
    const study = await sweep({ ...options, engine: dying, pruner: null, trials: 6 });
    expect(study.trials[2]).toMatchObject({ state: 'failed', error: '3 threads have ended', value: null });
    expect(study.trials.filter(({ state }) => state === 'complete').length).toBe(5);
  });
});

describe('arguments of a sweep', () => {
  const bad: [Record<string, unknown>, string][] = [
    [{ task: 3 }, "task must be the address of a module, such as new URL('./train.js', import.meta.url), got 3"],
    [{ space: {} }, 'space must have at least one parameter, got {}'],
    [{ space: { units: [1, 2] } }, 'space.units must come from float, int or choice, got [1, 2]'],
    [{ trials: undefined }, 'trials must be an integer of at least 1, got undefined'],
    [{ trials: 0 }, 'trials must be an integer of at least 1, got 0'],
    [{ sampler: 'cma' }, "sampler must be 'random', 'grid', 'tpe', grid(...) or tpe(...), got 'cma'"],
    [{ pruner: 'median' }, "pruner must be 'asha' or asha(...), got 'median'"],
    [{ direction: 'up' }, "unknown direction 'up'; known: 'minimize', 'maximize'"],
    [{ seed: -1 }, 'seed must be an integer from 0 to 2^53 - 1, got -1'],
    [{ parallel: 0 }, 'parallel must be an integer of at least 1, got 0'],
    [{ journal: 1 }, 'journal must be a path, or a store with read and append, got 1'],
    [{ engine: {} }, 'engine must be an engine, such as local(), got {}'],
    [{ data: () => {} }, 'data must be plain data or a typed array, got function data'],
    [{ onProgress: 1 }, 'onProgress must be a function, got 1'],
    [{ signal: 1 }, 'signal must be an AbortSignal, got 1'],
    [{ trails: 1 }, "unknown option 'trails'; did you mean 'trials'?"],
  ];

  it.each(bad)('rejects %o', async (change, message) => {
    const engine = inProcess();
    await expect(sweep({ ...options, engine, ...change } as SweepOptions)).rejects.toThrow(`sweep: ${message}`);
    expect(engine.tasks.length).toBe(0);
  });

  it('checks distributions', () => {
    expect(() => float(2, 1)).toThrow('float: high must be a finite number at least 2, got 1');
    expect(() => float(0, 1, { log: true })).toThrow('float: low must be a finite number above 0, got 0');
    expect(() => float(1, 2, { log: true, step: 1 })).toThrow('float: step must be absent if log is true, got 1');
    expect(() => int(0.5, 1)).toThrow('int: low must be an integer, got 0.5');
    expect(() => int(0, 4, { log: true })).toThrow('int: low must be an integer of at least 1, got 0');
    expect(() => int(1, 4, { log: true, step: 2 })).toThrow('int: step must be 1 if log is true, got 2');
    expect(() => choice([])).toThrow('choice: choices must be an array of at least one value, got []');
    expect(() => choice(['a', 'a'])).toThrow("choice: choices must differ from each other, got 'a' twice");
    expect(() => choice([{}] as never)).toThrow(
      'choice: choices[0] must be a string, a finite number, a boolean or null',
    );
    expect(() => asha({ reductionFactor: 1 })).toThrow('asha: reductionFactor must be an integer of at least 2, got 1');
    expect(int(1, 10, { step: 4 }).high).toBe(9);
    expect(float(0, 0.3, { step: 0.1 }).high).toBe(0.3);
    expect(float(0, 0.35, { step: 0.1 }).high).toBeCloseTo(0.3, 12);
  });
});
