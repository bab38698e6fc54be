/**
 * The messages between a program and its worker. Other code may send its own messages on the same channel, in both
 * directions. Ours are recognized by the key `lstmWasm`, which holds the kind of message, and by their fields.
 */

import type { Serialized } from '../util/config.ts';
import { isSentKernels, type SentKernels } from '../wasm/sentKernels.ts';

/** Messages to the worker. */
export type ClientMessage =
  /** Kernels that the worker lacks; before the first call that may need them. */
  | ({ readonly lstmWasm: 'kernels' } & SentKernels)
  | {
      readonly lstmWasm: 'call';
      readonly id: number;
      readonly model: number | null;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  /** Answers a question of a running call. */
  | ({ readonly lstmWasm: 'answer'; readonly question: number } & Reply)
  /**
   * Sets `stopTraining` of a model to `stop`; `cancel` aborts the training instead, when the caller's signal was
   * aborted.
   */
  | { readonly lstmWasm: 'stop'; readonly model: number; readonly stop: boolean; readonly cancel: boolean }
  /** Requests an `open` message; `last` is the id of the last call sent. */
  | { readonly lstmWasm: 'check'; readonly last: number };

/** Messages from the worker. */
export type ServerMessage =
  /** The reply to a call. */
  | ({ readonly lstmWasm: 'result'; readonly id: number } & Reply)
  | {
      readonly lstmWasm: 'question';
      readonly id: number;
      readonly question: number;
      readonly name: string;
      readonly args: readonly unknown[];
    }
  /** The worker received a message that it could not read. */
  | { readonly lstmWasm: 'lost' }
  /** Lists the calls up to `last` that are still running, and their unanswered questions. */
  | {
      readonly lstmWasm: 'open';
      readonly last: number;
      readonly calls: readonly number[];
      readonly questions: readonly Question[];
    };

export interface Question {
  /** The id of the call that asks. */
  readonly id: number;
  readonly question: number;
}

export type Reply = { readonly value: unknown } | { readonly error: PlainError };

export interface PlainError {
  readonly ours: boolean;
  readonly name: string;
  readonly message: string;
}

/** A layer as data, with the initial weights that the caller set. */
export interface PlainLayer {
  readonly described: Serialized;
  readonly values: Float32Array[] | null;
}

/** A callback as data: the call of `callbacks.*` that made it, or the names of its methods. */
export type PlainCallback =
  | { readonly made: readonly [name: string, args: readonly unknown[]] }
  | { readonly methods: readonly string[] };

/** A data set of the caller: its index, its number of batches if known, and whether it can be iterated only once. */
export interface PlainSource {
  readonly source: number;
  readonly size: number | null;
  readonly once: boolean;
  readonly endless: boolean;
}

/** Whether a value is one of our messages to the worker. */
export const isClientMessage = (message: unknown): message is ClientMessage => isOneOf(clientMessages, message);

/** Whether a value is one of our messages from the worker. */
export const isServerMessage = (message: unknown): message is ServerMessage => isOneOf(serverMessages, message);

type Fields = { readonly [name: string]: unknown };
type Shapes = { readonly [kind: string]: (fields: Fields) => boolean };

const isId = Number.isSafeInteger;
const isList: (value: unknown) => boolean = Array.isArray;
const isText = (value: unknown) => typeof value === 'string';
const isFlag = (value: unknown) => typeof value === 'boolean';
const isQuestion = ({ id, question }: Fields) => isId(id) && isId(question);
const isListOf = (holds: (item: never) => boolean, value: unknown) =>
  Array.isArray(value) && value.every(item => holds(item as never));

function isReply(fields: Fields): boolean {
  if (!('error' in fields)) return 'value' in fields;
  const { ours, name, message } = fields.error as Fields;
  return isFlag(ours) && isText(name) && isText(message);
}

const clientMessages: Shapes = {
  kernels: isSentKernels,
  call: ({ id, model, method, args }) => isId(id) && (model === null || isId(model)) && isText(method) && isList(args),
  answer: fields => isId(fields.question) && isReply(fields),
  stop: ({ model, stop, cancel }) => isId(model) && isFlag(stop) && isFlag(cancel),
  check: ({ last }) => isId(last),
};

const serverMessages: Shapes = {
  result: fields => isId(fields.id) && isReply(fields),
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
    return false; // null, or an object whose getters throw
  }
}
