/** A study in a journal: writes its changes, and knows all trials. Without a journal, it only knows them. */

import { fail, show } from '../../util/errors.ts';
import type { JournalText } from './journalFile.ts';
import {
  formatDistribution,
  formatRecord,
  type JournalRecord,
  operations,
  parseRecords,
  states,
  timestamp,
} from './journalFormat.ts';
import { JournalState, type StoredStudy, type StoredTrial } from './journalState.ts';
import type { Distribution } from './space.ts';
import type { Direction } from './trial.ts';

const WORKER = 'lstm-wasm';

/** A change of the study. Its trials are named by their number. */
export type Change =
  | { readonly kind: 'trial'; readonly number: number }
  | { readonly kind: 'start'; readonly number: number }
  | {
      readonly kind: 'parameter';
      readonly number: number;
      readonly name: string;
      readonly value: number;
      readonly distribution: Distribution;
    }
  | { readonly kind: 'value'; readonly number: number; readonly step: number; readonly value: number }
  | {
      readonly kind: 'attribute' | 'systemAttribute';
      readonly number: number;
      readonly name: string;
      readonly value: unknown;
    }
  | {
      readonly kind: 'end';
      readonly number: number;
      readonly state: 'complete' | 'pruned' | 'failed';
      readonly value: number | null;
    }
  | { readonly kind: 'studyAttribute'; readonly name: string; readonly value: unknown };

export class StudyJournal {
  readonly #call: string;
  readonly #text: JournalText | null;
  readonly #state = new JournalState();
  #study: StoredStudy | null = null;
  #lines = 0;
  /** The last write; the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(call: string, text: JournalText | null) {
    this.#call = call;
    this.#text = text;
  }

  get trials(): readonly StoredTrial[] {
    return this.#study!.trials;
  }

  get study(): StoredStudy {
    return this.#study!;
  }

  /** Reads the journal. Finds the study, or creates it. @param name undefined for the only study of the journal */
  async open(name: string | undefined, direction: Direction): Promise<void> {
    await this.#update(() => {
      const { studies } = this.#state;
      if (name === undefined && studies.length > 1) {
        const names = studies.map(study => show(study.name)).join(', ');
        fail(this.#call, `name must be that of one study of the journal, ${names}, got undefined`);
      }
      const wanted = name ?? studies[0]?.name ?? 'sweep';
      const find = () => this.#state.studies.find(study => study.name === wanted);
      const found = find();
      this.#study = found ?? null;
      if (found) return [];
      const record = {
        op_code: operations.createStudy,
        worker_id: WORKER,
        study_name: wanted,
        directions: [direction === 'minimize' ? 1 : 2],
      };
      this.#state.apply(record);
      this.#study = find()!;
      return [record];
    });
  }

  /** Writes changes, in the order of the calls. They are in the file when the promise resolves. */
  write(changes: readonly Change[]): Promise<void> {
    return this.#update(() => {
      const records: JournalRecord[] = [];
      for (const change of changes) {
        const record = this.#recordOf(change);
        this.#state.apply(record);
        records.push(record);
      }
      return records;
    });
  }

  #update(compose: () => JournalRecord[]): Promise<void> {
    const update = async () => {
      if (!this.#text) return void compose();
      await this.#text.update(news => {
        const records = parseRecords(this.#call, news, this.#lines + 1);
        for (const record of records) this.#state.apply(record);
        const made = compose();
        this.#lines += records.length + made.length;
        return made.map(formatRecord).join('');
      });
    };
    const next = this.#last.then(update);
    this.#last = next.catch(() => {});
    return next;
  }

  #recordOf(change: Change): JournalRecord {
    const worker = { worker_id: WORKER };
    const study = { study_id: this.study.id };
    if (change.kind === 'studyAttribute') {
      return { op_code: operations.setStudyAttribute, ...worker, ...study, user_attr: { [change.name]: change.value } };
    }
    if (change.kind === 'trial') {
      if (change.number !== this.trials.length) {
        fail(
          this.#call,
          `journal must have one writer of the study ${show(this.study.name)}, but another program adds trials to it`,
        );
      }
      return { op_code: operations.createTrial, ...worker, ...study, datetime_start: timestamp() };
    }
    const trial = { ...worker, trial_id: this.trials[change.number]!.id };
    switch (change.kind) {
      case 'start':
        return { op_code: operations.setState, ...trial, state: 0, values: null, datetime_start: timestamp() };
      case 'parameter':
        return {
          op_code: operations.setParameter,
          ...trial,
          param_name: change.name,
          param_value_internal: change.value,
          distribution: formatDistribution(change.distribution),
        };
      case 'value':
        return {
          op_code: operations.setIntermediateValue,
          ...trial,
          step: change.step,
          intermediate_value: change.value,
        };
      case 'attribute':
        return { op_code: operations.setAttribute, ...trial, user_attr: { [change.name]: change.value } };
      case 'systemAttribute':
        return { op_code: operations.setSystemAttribute, ...trial, system_attr: { [change.name]: change.value } };
      default:
        return {
          op_code: operations.setState,
          ...trial,
          state: states.indexOf(change.state),
          values: change.value === null ? null : [change.value],
          datetime_complete: timestamp(),
        };
    }
  }
}
