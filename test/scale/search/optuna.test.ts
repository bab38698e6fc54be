/** Journals of Optuna, and Optuna on journals of sweep. The live tests need Optuna (Debian: python3-optuna). */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { asha } from '../../../src/scale/search/asha.ts';
import { choice, float, int } from '../../../src/scale/search/space.ts';
import { sweep } from '../../../src/scale/search/sweep.ts';
import { inProcess } from './inProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-'));
afterAll(() => rmSync(folder, { recursive: true }));

const near = (name: string) => fileURLToPath(new URL(`../optuna/${name}`, import.meta.url));
const PYTHON = '/usr/bin/python3';
const hasOptuna = (() => {
  try {
    execFileSync(PYTHON, ['-c', 'import optuna'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe('a study of Optuna', () => {
  const task = new URL('../tasks/curve.js', import.meta.url);
  const space = {
    rate: float(1e-5, 0.1, { log: true }),
    share: float(0, 1, { step: 0.25 }),
    units: int(2, 300, { log: true }),
    batch: int(16, 128, { step: 16 }),
    cell: choice(['lstm', 'gru', null, true, 3]),
  };
  const theirs = JSON.parse(readFileSync(near('journal.json'), 'utf8')) as {
    trials: { state: string; params: object; value: number | null; intermediate: [number, number | null][] }[];
    best: number;
  };
  const finished = theirs.trials.length - 1;
  const copy = (name: string) => {
    copyFileSync(near('journal.jsonl'), join(folder, name));
    return join(folder, name);
  };
  const options = { task, space, pruner: asha({ reductionFactor: 2 }), trials: finished } as const;

  it('is read with all its trials, and not run again', async () => {
    const engine = inProcess();
    const study = await sweep({ ...options, engine, journal: copy('read') });
    expect(study.name).toBe('ours is theirs');
    expect(engine.tasks.length).toBe(0);
    expect(
      study.trials.slice(0, finished).map(({ state, params, value, reports }) => ({
        ...{ state, params, value },
        intermediate: reports.map(([step, found]) => [step, Number.isNaN(found) ? null : found]),
      })),
    ).toEqual(theirs.trials.slice(0, finished).map(({ number: _, ...trial }: object & { number?: number }) => trial));
    expect(study.best!.number).toBe(theirs.best);
    expect(study.trials[4]!.error).toBe('failed in another program');
  });

  it('continues, with the trial that was left running, in the same way each time', async () => {
    const runs = await Promise.all(
      ['one', 'two'].map(name =>
        sweep({ ...options, trials: 40, engine: inProcess({ slots: name === 'one' ? 1 : 3 }), journal: copy(name) }),
      ),
    );
    expect(runs[0]!.trials).toEqual(runs[1]!.trials);
    expect(runs[0]!.trials.length).toBe(40);
    expect(runs[0]!.trials.every(({ state }) => state !== 'running')).toBe(true);
    expect(runs[0]!.trials[finished]!.params).toMatchObject(theirs.trials[finished]!.params);
    // TPE learns from their trials: most choose the cell that was best
    const chosen = runs[0]!.trials.slice(finished).filter(({ params }) => params.cell === 'gru');
    expect(chosen.length).toBeGreaterThan(5);
  });

  it('must have the same kinds of parameters', async () => {
    const other = { ...space, cell: choice(['lstm', 'gru']) };
    const journal = copy('other');
    await expect(sweep({ ...options, space: other, engine: inProcess(), journal })).rejects.toThrow(
      'sweep: space.cell must be as in trial 0 of the journal but for its range, got a different choice',
    );
    await expect(sweep({ ...options, direction: 'maximize', engine: inProcess(), journal })).rejects.toThrow(
      "sweep: direction must be that of the study in the journal, 'minimize', got 'maximize'",
    );
  });
});

describe.runIf(hasOptuna)('Optuna', () => {
  const space = { rate: float(1e-4, 1, { log: true }), units: int(4, 64), cell: choice(['lstm', 'gru']) };
  const task = new URL('../tasks/curve.js', import.meta.url);
  const options = { task, space, trials: 30, pruner: asha({ reductionFactor: 2 }), seed: 12 } as const;
  interface Printed {
    name: string;
    direction: string;
    trials: {
      state: string;
      params: object;
      value: number;
      reports: unknown;
      error: string | null;
      rungs: string[];
      complete: boolean;
    }[];
    best: number;
    distributions: object;
    added: string[];
  }

  it.each(['minimize', 'maximize'] as const)(
    'reads and continues a study of sweep, which goes on after that: %s',
    async direction => {
      const journal = join(folder, `ours ${direction}.jsonl`);
      const sized = { ...options, space: { ...space, units: int(11, 15) }, direction };
      const study = await sweep({ ...sized, engine: inProcess({ slots: 3 }), journal, name: 'unseres: ü' });
      const read = JSON.parse(
        execFileSync(PYTHON, [near('continue_study.py'), journal, '5'], { encoding: 'utf8' }).replaceAll('NaN', 'null'),
      ) as Printed;
      expect(read.name).toBe('unseres: ü');
      expect(read.direction).toBe(direction.toUpperCase());
      expect(read.best).toBe(study.best!.number);
      const states = new Set(read.trials.map(({ state }) => state));
      expect([...states].toSorted()).toEqual(['complete', 'failed', 'pruned']);
      for (const [n, { state, params, value, reports, error }] of study.trials.entries()) {
        const json = reports.map(([step, found]) => [step, Number.isNaN(found) ? null : found]);
        expect(read.trials[n]).toMatchObject({ state, params, value, reports: json, error, complete: true });
      }
      expect(read.trials.flatMap(({ rungs }) => rungs)).toContain('completed_rung_2');
      expect(read.distributions).toEqual({
        rate: 'FloatDistribution(high=1.0, log=True, low=0.0001, step=None)',
        units: 'IntDistribution(high=15, log=False, low=11, step=1)',
        cell: "CategoricalDistribution(choices=('lstm', 'gru'))",
      });
      expect(read.added.length).toBe(5);

      const engine = inProcess({ slots: 2 });
      const more = await sweep({ ...sized, trials: 40, engine, journal });
      expect(more.trials.slice(0, 30)).toEqual(study.trials);
      expect(more.trials.length).toBe(40);
      expect(new Set(engine.tasks.map(({ seed }) => seed)).size).toBe(5);
    },
  );
});
