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

/** Whole numbers between these. */
export const ranges = {
  units: [1, 128],
  layers: [1, 3],
  timeSteps: [2, 100],
  batch: [1, 128],
  seed: [0, 2 ** 32 - 1],
} as const satisfies { [name in keyof Settings]?: readonly [number, number] };

/** What an address says; what it leaves out or gets wrong is as in `defaults`. */
export function readAddress(hash: string): Settings {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const oneOf = <T extends string>(name: string, known: readonly T[], otherwise: T): T =>
    known.find(each => each === given.get(name)) ?? otherwise;
  const whole = (name: keyof typeof ranges): number => {
    const value = Number(given.get(name) ?? NaN);
    const [least, most] = ranges[name];
    return Number.isInteger(value) && value >= least && value <= most ? value : defaults[name];
  };
  const rate = Number(given.get('learningRate') ?? NaN);
  return {
    task: oneOf('task', taskNames, defaults.task),
    cell: oneOf('cell', cells, defaults.cell),
    units: whole('units'),
    layers: whole('layers'),
    timeSteps: whole('timeSteps'),
    batch: whole('batch'),
    learningRate: rate > 0 && rate <= 1 ? rate : defaults.learningRate,
    optimizer: oneOf('optimizer', optimizers, defaults.optimizer),
    stateful: given.has('stateful') ? given.get('stateful') !== 'no' : defaults.stateful,
    seed: whole('seed'),
    own: given.get('own') ?? defaults.own,
  };
}

/** The address of settings: only what differs from `defaults`, in one order; empty for the defaults. */
export function writeAddress(settings: Settings): string {
  const address = new URLSearchParams();
  for (const name of Object.keys(defaults) as (keyof Settings)[]) {
    const value = settings[name];
    if (value !== defaults[name])
      address.set(name, typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value));
  }
  const text = address.toString();
  return text && `#${text}`;
}
