/** The studies and trials of a journal, by the rules of Optuna's `JournalStorage`. */

import { type JournalRecord, operations, parseDistribution, type StoredState, states } from './journalFormat.ts';
import type { ChoiceValue, Distribution } from './space.ts';
import type { Direction } from './trial.ts';

type Attributes = Record<string, unknown>;

export interface StoredTrial {
  /** The number in the journal, over all studies. */
  readonly id: number;
  /** The number in the study. */
  readonly number: number;
  state: StoredState;
  /** The parameters as numbers, a choice as its index. */
  readonly numbers: Record<string, number>;
  readonly distributions: Record<string, Distribution | null>;
  /** The final value, of a pruned trial the last one. */
  value: number | null;
  /** Values by step, NaN included, in the order in which the steps came first. */
  readonly intermediate: Map<number, number>;
  readonly attributes: Attributes;
  readonly systemAttributes: Attributes;
}

export interface StoredStudy {
  readonly id: number;
  readonly name: string;
  /** Null for a study with several objectives, or without a direction. */
  readonly direction: Direction | null;
  readonly attributes: Attributes;
  readonly trials: StoredTrial[];
}

const directions: readonly (Direction | null)[] = [null, 'minimize', 'maximize'];

export class JournalState {
  readonly #studies = new Map<number, StoredStudy>();
  readonly #trials: StoredTrial[] = [];
  #nextStudy = 0;

  get studies(): StoredStudy[] {
    return [...this.#studies.values()];
  }

  /** Records that do not apply are ignored, such as changes of a trial that is finished. */
  apply(record: JournalRecord): void {
    const study = this.#studies.get(record.study_id as number);
    const trial = this.#trials[record.trial_id as number];
    switch (record.op_code) {
      case operations.createStudy:
        this.#createStudy(record);
        break;
      case operations.deleteStudy:
        this.#studies.delete(record.study_id as number);
        break;
      case operations.setStudyAttribute:
        Object.assign(study?.attributes ?? {}, record.user_attr);
        break;
      case operations.createTrial:
        if (study) this.#createTrial(study, record);
        break;
      default:
        if (trial && (trial.state === 'running' || trial.state === 'waiting')) change(trial, record);
    }
  }

  #createStudy({ study_name, directions: given }: JournalRecord): void {
    if (this.studies.some(({ name }) => name === study_name)) return;
    const list = given as number[];
    const direction = list.length === 1 ? (directions[list[0]!] ?? null) : null;
    const id = this.#nextStudy++;
    this.#studies.set(id, { id, name: study_name as string, direction, attributes: {}, trials: [] });
  }

  #createTrial({ trials }: StoredStudy, record: JournalRecord): void {
    const { state, value, values, params, distributions, intermediate_values, user_attrs, system_attrs } = record;
    const trial: StoredTrial = {
      id: this.#trials.length,
      number: trials.length,
      state: states[(state as number | undefined) ?? 0] ?? 'failed',
      numbers: { ...(params as Record<string, number> | undefined) },
      distributions: {},
      value: (value as number | null | undefined) ?? (values as number[] | null | undefined)?.[0] ?? null,
      intermediate: new Map(),
      attributes: { ...(user_attrs as Attributes | undefined) },
      systemAttributes: { ...(system_attrs as Attributes | undefined) },
    };
    for (const [name, text] of Object.entries((distributions ?? {}) as Record<string, string>)) {
      trial.distributions[name] = parseDistribution(text);
    }
    for (const [step, found] of Object.entries((intermediate_values ?? {}) as Record<string, number>)) {
      trial.intermediate.set(Number(step), found);
    }
    trials.push(trial);
    this.#trials.push(trial);
  }
}

function change(trial: StoredTrial, record: JournalRecord): void {
  switch (record.op_code) {
    case operations.setParameter: {
      const name = record.param_name as string;
      trial.numbers[name] = record.param_value_internal as number;
      trial.distributions[name] = parseDistribution(record.distribution as string);
      break;
    }
    case operations.setState:
      trial.state = states[record.state as number] ?? 'failed';
      trial.value = (record.values as number[] | null)?.[0] ?? trial.value;
      break;
    case operations.setIntermediateValue:
      trial.intermediate.set(record.step as number, record.intermediate_value as number);
      break;
    case operations.setAttribute:
      Object.assign(trial.attributes, record.user_attr);
      break;
    case operations.setSystemAttribute:
      Object.assign(trial.systemAttributes, record.system_attr);
      break;
    default:
  }
}

/** The parameters of a trial as its task received them; those of unknown kinds are left out. */
export function storedParams({ numbers, distributions }: StoredTrial): Record<string, ChoiceValue> {
  const params: Record<string, ChoiceValue> = {};
  for (const [name, number] of Object.entries(numbers)) {
    const distribution = distributions[name];
    if (distribution) params[name] = distribution.kind === 'choice' ? distribution.choices[number]! : number;
  }
  return params;
}
