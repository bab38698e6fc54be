/** What can be set on the page, and how it lies in the address bar, so that a link repeats a run exactly. */

export const taskNames = ['cosine', 'waves', 'damped', 'square', 'echo', 'adding', 'forecast', 'drawn', 'csv'] as const;
export type TaskName = (typeof taskNames)[number];

export const cells = ['lstm', 'gru', 'simpleRNN'] as const;
export type Cell = (typeof cells)[number];

export const optimizers = ['adam', 'rmsprop', 'momentum', 'sgd'] as const;
export type Optimizer = (typeof optimizers)[number];

export interface Settings {
  readonly task: TaskName;
  readonly cell: Cell;
  /** Of each recurrent layer. */
  readonly units: number;
  /** Recurrent layers, one upon the other. */
  readonly layers: number;
  readonly timeSteps: number;
  /** Sequences in a batch. */
  readonly batch: number;
  readonly learningRate: number;
  readonly optimizer: Optimizer;
  /** Whether a batch starts from the states in which the one before has ended. */
  readonly stateful: boolean;
  /** Of the first weights and of the data, where it is random. */
  readonly seed: number;
  /** The reader's own numbers, packed, for the tasks `drawn` and `csv`; else empty. */
  readonly own: string;
}

/** The seed program. */
export const defaults: Settings = {
  task: 'cosine',
  cell: 'lstm',
  units: 20,
  layers: 1,
  timeSteps: 20,
  batch: 50,
  learningRate: 0.006,
  optimizer: 'adam',
  stateful: true,
  seed: 1,
  own: '',
};

/** What suits a task better than the settings of the seed program. */
const presets: { readonly [name in TaskName]: Partial<Settings> } = {
  cosine: {},
  waves: {},
  damped: { timeSteps: 60, batch: 32, stateful: false, learningRate: 0.01 },
  square: { timeSteps: 32, batch: 32, learningRate: 0.01 },
  echo: { units: 32, timeSteps: 20, batch: 32, learningRate: 0.01 },
  adding: { units: 32, timeSteps: 20, batch: 64, stateful: false, learningRate: 0.01 },
  forecast: { timeSteps: 25, batch: 32 },
  drawn: { batch: 32 },
  csv: { batch: 32 },
};

/** The settings a task begins with. */
export const defaultsOf = (task: TaskName): Settings => ({ ...defaults, ...presets[task], task });

/** Whole numbers between these. */
export const ranges = {
  units: [1, 128],
  layers: [1, 3],
  timeSteps: [2, 100],
  batch: [1, 128],
  seed: [0, 2 ** 32 - 1],
} as const satisfies { [name in keyof Settings]?: readonly [number, number] };
export type WholeName = keyof typeof ranges;

/** What an address says; what it leaves out or gets wrong is as its task begins. */
export function readAddress(hash: string): Settings {
  const given = parametersOf(hash);
  const oneOf = <T extends string>(name: string, known: readonly T[], otherwise: T): T =>
    known.find(each => each === given.get(name)) ?? otherwise;
  const task = oneOf('task', taskNames, defaults.task);
  const usual = defaultsOf(task);
  const whole = (name: WholeName): number => {
    const value = numberIn(given.get(name));
    const [least, most] = ranges[name];
    return Number.isInteger(value) && value >= least && value <= most ? value : usual[name];
  };
  const rate = numberIn(given.get('learningRate'));
  const stateful = oneOf('stateful', ['yes', 'no'], usual.stateful ? 'yes' : 'no');
  return {
    task,
    cell: oneOf('cell', cells, usual.cell),
    units: whole('units'),
    layers: whole('layers'),
    timeSteps: whole('timeSteps'),
    batch: whole('batch'),
    learningRate: isRate(rate) ? rate : usual.learningRate,
    optimizer: oneOf('optimizer', optimizers, usual.optimizer),
    stateful: stateful === 'yes',
    seed: whole('seed'),
    own: given.get('own') ?? usual.own,
  };
}

/** The address of settings: only what differs from how the task begins, in one order; empty for the seed program. */
export function writeAddress(settings: Settings): string {
  const usual = { ...defaultsOf(settings.task), task: defaults.task };
  const address = new URLSearchParams();
  for (const name of Object.keys(defaults) as (keyof Settings)[]) {
    if (settings[name] !== usual[name]) address.set(name, textOf(settings[name]));
  }
  const text = address.toString();
  return text && `#${text}`;
}

/** A sentence for each part of an address that could not be followed. */
export function addressFaults(hash: string): string[] {
  const settings = readAddress(hash);
  return [...parametersOf(hash)].flatMap(([name, text]) => {
    if (!Object.hasOwn(settings, name)) return [`The link says ${name}, which is no setting.`];
    const value = settings[name as keyof Settings];
    const same = typeof value === 'number' ? numberIn(text) === value : text === textOf(value);
    return same ? [] : [`The link asks for ${name} “${text}”, which cannot be; it is ${textOf(value)} here.`];
  });
}

/** What was made of an input, and a sentence where that is not what it said. */
export interface Reading {
  readonly value: number;
  readonly fault: string;
}

const names: { readonly [name in WholeName]: string } = {
  units: 'Units',
  layers: 'Layers',
  timeSteps: 'Time steps',
  batch: 'Rows in a batch',
  seed: 'The seed',
};

/** A whole number from an input: brought into its range, or left as it was where there is no number at all. */
export function readWhole(name: WholeName, text: string, now: number): Reading {
  const [least, most] = ranges[name];
  const given = numberIn(text);
  const rule = `${names[name]}: a whole number from ${least} to ${most}`;
  if (!Number.isFinite(given)) return { value: now, fault: `${rule}. It stays at ${now}.` };
  const value = Math.min(most, Math.max(least, Math.round(given)));
  return { value, fault: value === given ? '' : `${rule}. ${given} became ${value}.` };
}

export function readRate(text: string, now: number): Reading {
  const value = numberIn(text);
  if (isRate(value)) return { value, fault: '' };
  return { value: now, fault: `Learning rate: above 0 and at most 1. It stays at ${now}.` };
}

const isRate = (value: number) => value > 0 && value <= 1;
const parametersOf = (hash: string) => new URLSearchParams(hash.replace(/^#/, ''));
const numberIn = (text: string | null) => (text?.trim() ? Number(text) : Number.NaN);
const textOf = (value: Settings[keyof Settings]) => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : `${value}`);
