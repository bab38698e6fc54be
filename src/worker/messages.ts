/**
 * The messages between a program and its worker. Other code may send messages of its own the same way, in both
 * directions: ours are told apart by `lstmWasm`, which says what each is, and by their shape.
 */

/** To the worker. */
export type Order =
  | {
      readonly lstmWasm: 'call';
      readonly id: number;
      readonly model: number | null;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  /** To a question of a call that is going on. */
  | ({ readonly lstmWasm: 'answer'; readonly question: number } & Outcome)
  /** That a training ends; `cancel` where nobody waits for its result. */
  | { readonly lstmWasm: 'stop'; readonly model: number; readonly stop: boolean; readonly cancel: boolean }
  /** Asks for `open`; `last` is the last call that was sent. */
  | { readonly lstmWasm: 'check'; readonly last: number };

/** From the worker. */
export type Report =
  /** How a call ended. */
  | ({ readonly lstmWasm: 'result'; readonly id: number } & Outcome)
  | {
      readonly lstmWasm: 'question';
      readonly id: number;
      readonly question: number;
      readonly name: string;
      readonly args: readonly unknown[];
    }
  /** A message has come that could not be read. */
  | { readonly lstmWasm: 'lost' }
  /** Of the calls up to `last`, those that are going on, and their questions without an answer. */
  | {
      readonly lstmWasm: 'open';
      readonly last: number;
      readonly calls: readonly number[];
      readonly questions: readonly Question[];
    };

export interface Question {
  /** Of the call that asks. */
  readonly id: number;
  readonly question: number;
}

export type Outcome = { readonly value: unknown } | { readonly error: PlainError };

export interface PlainError {
  readonly ours: boolean;
  readonly name: string;
  readonly message: string;
}

/** Whether a message is an order of ours. */
export const isOrder = (message: unknown): message is Order => isOneOf(orders, message);

/** Whether a message is a report of ours. */
export const isReport = (message: unknown): message is Report => isOneOf(reports, message);

type Fields = { readonly [name: string]: unknown };
type Shapes = { readonly [kind: string]: (fields: Fields) => boolean };

const isId = Number.isSafeInteger;
const isList: (value: unknown) => boolean = Array.isArray;
const isText = (value: unknown) => typeof value === 'string';
const isFlag = (value: unknown) => typeof value === 'boolean';
const isQuestion = ({ id, question }: Fields) => isId(id) && isId(question);
const isListOf = (holds: (item: never) => boolean, value: unknown) =>
  Array.isArray(value) && value.every(item => holds(item as never));

function isOutcome(fields: Fields): boolean {
  if (!('error' in fields)) return 'value' in fields;
  const { ours, name, message } = fields.error as Fields;
  return isFlag(ours) && isText(name) && isText(message);
}

const orders: Shapes = {
  call: ({ id, model, method, args }) => isId(id) && (model === null || isId(model)) && isText(method) && isList(args),
  answer: fields => isId(fields.question) && isOutcome(fields),
  stop: ({ model, stop, cancel }) => isId(model) && isFlag(stop) && isFlag(cancel),
  check: ({ last }) => isId(last),
};

const reports: Shapes = {
  result: fields => isId(fields.id) && isOutcome(fields),
  question: fields => isQuestion(fields) && isText(fields.name) && isList(fields.args),
  lost: () => true,
  open: ({ last, calls, questions }) => isId(last) && isListOf(isId, calls) && isListOf(isQuestion, questions),
};

function isOneOf(shapes: Shapes, message: unknown): boolean {
  try {
    const fields = message as Fields;
    const { lstmWasm } = fields;
    return typeof lstmWasm === 'string' && Object.hasOwn(shapes, lstmWasm) && shapes[lstmWasm]!(fields);
  } catch {
    return false; // null, or what throws when it is looked at
  }
}
