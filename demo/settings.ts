/** The settings of a run, and how they are written in the address bar, so that a link repeats a run exactly. */

export const taskNames = [
  'hold',
  'cosine',
  'waves',
  'damped',
  'square',
  'echo',
  'adding',
  'forecast',
  'drawn',
] as const;
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
  /** Number of recurrent layers. */
  readonly layers: number;
  readonly timeSteps: number;
  /** Sequences in a batch. */
  readonly batch: number;
  readonly learningRate: number;
  readonly optimizer: Optimizer;
  /** Whether a batch starts from the final states of the previous one. */
  readonly stateful: boolean;
  /** Seed of the initial weights, and of random data. */
  readonly seed: number;
  /** Whether a plain RNN is trained on the same batches and shown in the same charts. */
  readonly beside: boolean;
  /** The curve that the user has drawn, packed, for the task `drawn`; else empty. */
  readonly own: string;
}

/** The seed program. */
const seedProgram: Settings = {
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
  beside: false,
  own: '',
};

/** Where a task needs other settings than the seed program. */
const presets: { readonly [name in TaskName]: Partial<Settings> } = {
  hold: { units: 16, timeSteps: 40, batch: 32, learningRate: 0.02, beside: true },
  cosine: { beside: true },
  waves: {},
  damped: { timeSteps: 60, batch: 32, stateful: false, learningRate: 0.01 },
  square: { timeSteps: 32, batch: 32, learningRate: 0.01 },
  echo: { units: 32, timeSteps: 20, batch: 32, learningRate: 0.01, beside: true },
  adding: { units: 32, timeSteps: 20, batch: 64, stateful: false, learningRate: 0.01, beside: true },
  forecast: { timeSteps: 25, batch: 32 },
  drawn: { batch: 32 },
};

/** The default settings of a task. */
export const defaultsOf = (task: TaskName): Settings => ({ ...seedProgram, ...presets[task], task });

/** The settings of a page without an address: a task that needs a memory. */
export const defaults: Settings = defaultsOf('hold');

/** Whether the run has a plain RNN beside its network. */
export const hasRival = ({ beside, cell }: Settings): boolean => beside && cell !== 'simpleRNN';

/** Whole numbers between these. */
export const ranges = {
  units: [1, 128],
  layers: [1, 3],
  timeSteps: [2, 100],
  batch: [1, 128],
  seed: [0, 2 ** 32 - 1],
} as const satisfies { [name in keyof Settings]?: readonly [number, number] };
export type WholeName = keyof typeof ranges;

/** Reads an address. Missing and invalid settings have the default of the task. */
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
  const flag = (name: 'stateful' | 'beside') => oneOf(name, ['yes', 'no'], usual[name] ? 'yes' : 'no') === 'yes';
  return {
    task,
    cell: oneOf('cell', cells, usual.cell),
    units: whole('units'),
    layers: whole('layers'),
    timeSteps: whole('timeSteps'),
    batch: whole('batch'),
    learningRate: isRate(rate) ? rate : usual.learningRate,
    optimizer: oneOf('optimizer', optimizers, usual.optimizer),
    stateful: flag('stateful'),
    seed: whole('seed'),
    beside: flag('beside'),
    own: given.get('own') ?? usual.own,
  };
}

/** The address of settings: only what differs from the defaults of the task, in one order. */
export function writeAddress(settings: Settings): string {
  const usual = { ...defaultsOf(settings.task), task: defaults.task };
  const address = new URLSearchParams();
  for (const name of Object.keys(defaults) as (keyof Settings)[]) {
    if (settings[name] !== usual[name]) address.set(name, textOf(settings[name]));
  }
  const text = address.toString();
  return text && `#${text}`;
}

/** A sentence for each part of an address that is unknown or invalid. */
export function addressFaults(hash: string): string[] {
  const settings = readAddress(hash);
  return [...parametersOf(hash)].flatMap(([name, text]) => {
    if (!Object.hasOwn(settings, name)) return [`The link has an unknown setting: ${name}.`];
    const value = settings[name as keyof Settings];
    const same = typeof value === 'number' ? numberIn(text) === value : text === textOf(value);
    return same ? [] : [`The link has an invalid ${name}: “${text}”. The page uses ${textOf(value)}.`];
  });
}

/** The value read from a field, and a message if it was invalid. */
export interface Reading {
  readonly value: number;
  readonly fault: string;
}

const names: { readonly [name in WholeName]: string } = {
  units: 'Units',
  layers: 'Layers',
  timeSteps: 'Time steps',
  batch: 'Batch size',
  seed: 'The seed',
};

/** Reads a whole number from a field, clamped to its range; without a number, the value stays as it was. */
export function readWhole(name: WholeName, text: string, now: number): Reading {
  const [least, most] = ranges[name];
  const given = numberIn(text);
  const rule = `${names[name]} must be a whole number from ${least} to ${most}`;
  if (!Number.isFinite(given)) return { value: now, fault: `${rule}. The value stays ${now}.` };
  const value = Math.min(most, Math.max(least, Math.round(given)));
  return { value, fault: value === given ? '' : `${rule}; ${given} was changed to ${value}.` };
}

export function readRate(text: string, now: number): Reading {
  const value = numberIn(text);
  if (isRate(value)) return { value, fault: '' };
  return { value: now, fault: `The learning rate must be above 0 and at most 1. The value stays ${now}.` };
}

const isRate = (value: number) => value > 0 && value <= 1;
const parametersOf = (hash: string) => new URLSearchParams(hash.replace(/^#/, ''));
const numberIn = (text: string | null) => (text?.trim() ? Number(text) : Number.NaN);
const textOf = (value: Settings[keyof Settings]) => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : `${value}`);
