/** Programs: calls in a row, each kept as code, so that one that goes wrong can be read, and pasted. */

import * as lw from 'lstm-wasm';
import * as data from 'lstm-wasm/data';
import { fingerprint } from './fingerprint.ts';
import { helpers, OwnError } from './strange.ts';

/** One call. */
export interface Statement {
  /** What goes wrong in it may do so half-way: in functions of the caller, or in data that comes batch by batch. */
  readonly partly?: boolean;
  /** Nothing but moderate numbers go in: where the weights are moderate, too, nothing but numbers may come out. */
  readonly calm?: boolean;
  /** The variable that takes what comes back. */
  readonly into?: string;
  readonly code: string;
}

/** A model, and what it learns from. */
export interface Recipe {
  readonly model: string;
  readonly compile: string;
  readonly x: string;
  readonly y: string;
}

export interface Program {
  readonly recipe: Recipe;
  readonly statements: readonly Statement[];
}

/** The warnings of the package during a program, collected by the spy on the console. */
export const said: string[] = [];

/** Longer than any of these calls may take, on a busy machine, too. */
const LONGEST = 10_000;

type Scope = Record<string, unknown>;

/** The source text of the program. */
export function print({ recipe, statements }: Program): string {
  return [
    `let m = ${recipe.model};`,
    `let x = ${recipe.x}, y = ${recipe.y};`,
    ...(recipe.compile ? [`${recipe.compile};`] : []),
    ...statements.map(({ into, code }) => `${into ? `${into} = ` : ''}await ${code};`),
  ].join('\n');
}

/** Runs a program; throws where the package does not keep its word. */
export async function run({ recipe, statements }: Program): Promise<void> {
  lw.setRandomSeed(1);
  const scope: Scope = { lw, data, $: helpers };
  scope.m = evaluate(recipe.model, scope);
  scope.x = evaluate(recipe.x, scope);
  scope.y = evaluate(recipe.y, scope);
  if (recipe.compile) evaluate(recipe.compile, scope);
  scope.l = lw.layers.dense({ units: 2 });
  scope.o = lw.train.adam();
  scope.t = lw.tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  scope.n = scope.s = scope.b = scope.a = null;
  said.length = 0;
  try {
    for (const statement of statements) await step(statement, scope);
  } finally {
    for (const name of ['m', 'n']) (scope[name] as lw.Sequential | null)?.dispose?.();
  }
}

async function step(statement: Statement, scope: Scope): Promise<void> {
  const { code, into, calm } = statement;
  if (lacks(code, scope)) return;
  const partly = statement.partly || hasOwnRate(scope) || code.includes('$.meanwhile(');
  const before = fingerprint(scope);
  const watched = calm && isModerate(scope.m as lw.Sequential);
  const started = performance.now();
  let thrown: unknown;
  let failed = false;
  let result: unknown;
  try {
    result = evaluate(code, scope);
    if (isPromise(result)) result = await inTime(result, code);
  } catch (error) {
    failed = true;
    thrown = error;
  }
  const took = performance.now() - started;
  await Promise.allSettled(helpers.pending.splice(0));
  if (took > LONGEST) throw new Error(`${code}\ntook ${Math.round(took)} ms`);
  if (!failed) {
    if (watched) expectNumbers(code, result, scope.m as lw.Sequential);
    expectWarning(code, result);
    if (into && fits(into, result)) scope[into] = result;
    fingerprint(scope); // whatever the call was good for, the model can still be asked
    return;
  }
  checkError(code, thrown);
  if (partly) return;
  const after = fingerprint(scope);
  const changed = Object.keys(before).filter(key => before[key] !== after[key]);
  if (changed.length === 0) return;
  const what = changed.map(key => `${key}: ${clip(before[key])} -> ${clip(after[key])}`).join('\n');
  throw new Error(`${code}\nthrew ${shown(thrown)}\nbut has changed ${what}`);
}

/** Whether it asks something of what is not there yet, such as a stream before `m.stream()`. */
function lacks(code: string, scope: Scope): boolean {
  const { layers } = scope.m as lw.Sequential;
  if (code.includes('m.layers[0].') && layers.length === 0) return true;
  return ['n', 's', 'a', 'b'].some(name => !scope[name] && new RegExp(`(?<![\\w$.'])${name}\\.`).test(code));
}

/** A function of the caller's gives the learning rate: it may go wrong in any batch. */
const hasOwnRate = ({ m }: Scope) => (m as lw.Sequential).optimizer?.rateOrKind === 'function';

/** What comes back may be a name of what is meant. */
const fits = (into: string, result: unknown) => (into === 'o' ? isOptimizer(result) : result !== undefined);
const isOptimizer = (value: unknown) =>
  typeof value === 'object' && value !== null && 'learningRate' in value && 'slots' in value;

const clip = (text: string | undefined) => `${text}`.slice(0, 400);

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

function evaluate(code: string, scope: Scope): unknown {
  return new Function(...Object.keys(scope), `return (${code});`)(...Object.values(scope));
}

async function inTime(promise: Promise<unknown>, code: string): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new RangeError(`${code} is not over after ${LONGEST} ms`)), LONGEST);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const shown = (error: unknown) =>
  error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 400) : typeof error;

/** A `ValueError` of one line that names a call which the code has, or what the caller's own functions threw. */
function checkError(code: string, error: unknown): void {
  if (error instanceof OwnError) return;
  if (!(error instanceof lw.ValueError)) {
    const stack = error instanceof Error ? error.stack?.split('\n').slice(1, 5).join('\n') : '';
    throw new Error(`${code}\nthrew ${shown(error)}\n${stack}`);
  }
  const [, name] = /^(\S+): [^\n\r\u2028\u2029]+$/.exec(error.message) ?? [];
  if (!name) throw new Error(`${code}\nthrew ${JSON.stringify(error.message.slice(0, 400))}, which is no sentence`);
  // Properties are set, not called
  const [, property] = /\.(\w+) = /.exec(code) ?? [];
  if (property && error.message.startsWith(`${name}: ${property} `)) return;
  const last = (path: string) => path.split('.').at(-1)!;
  const called = [...code.matchAll(/([\w.$]+)(?=\()/g)].map(([, path]) => last(path!));
  if (!called.includes(last(name))) throw new Error(`${code}\nthrew ${shown(error)}, which names another call`);
}

const valuesOf = (tensors: readonly lw.Tensor[]) => tensors.flatMap(tensor => [...tensor.dataSync()]);

function isModerate(model: lw.Sequential): boolean {
  try {
    const states = /stateful\W+true/.test(String(model.toJSON())) ? model.getStates().flat() : [];
    return valuesOf([...model.getWeights(), ...states]).every(value => Math.abs(value) < 100);
  } catch {
    return false; // it has no layers, is disposed of, or has states that cannot be read
  }
}

function expectNumbers(code: string, result: unknown, model: lw.Sequential): void {
  const all = numbersOf(result);
  if (!all.every(Number.isFinite)) throw new Error(`${code}\ngave ${all.slice(0, 20)}`);
  const rate = model.optimizer?.rateOrKind;
  if (typeof rate !== 'number' || rate > 1) return;
  if (!valuesOf(model.getWeights()).every(Number.isFinite))
    throw new Error(`${code}\nleft weights that are no numbers`);
}

/** NaN does not come out without a word. One is enough for a program: models that share their weights also share it. */
function expectWarning(code: string, result: unknown): void {
  if (!/^[mns]\.(?:train|test|predict|evaluate|fit|step|inspect)\w*\(/.test(code)) return;
  if (!numbersOf(result).some(Number.isNaN)) return;
  if (said.some(warning => / (?:is|holds?) -?(?:NaN|Infinity); /.test(warning))) return;
  throw new Error(`${code}\ngave NaN without a warning`);
}

/** Of a tensor, a history, what a stream or `inspect` gave, or a list. */
function numbersOf(result: unknown): number[] {
  if (typeof result === 'number') return [result];
  if (result instanceof lw.Tensor) return valuesOf([result]);
  if (result instanceof lw.History) return numbersOf(Object.values(result.history));
  if (result instanceof Float32Array) return [...result];
  if (typeof result === 'object' && result && 'h' in result) return numbersOf(result.h);
  return Array.isArray(result) ? result.flatMap(numbersOf) : [];
}
