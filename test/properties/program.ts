/** Programs: sequences of calls, kept as code so that a failing one can be printed and pasted. */

import * as lw from 'lstm-wasm';
import * as data from 'lstm-wasm/data';
import { fingerprint } from './fingerprint.ts';
import { helpers, UserError } from './unusualValues.ts';

/** One call. */
export interface Statement {
  /** Whether it may fail after it changed something: in a user function, or in a later batch of a dataset. */
  readonly mayFailPartway?: boolean;
  /** All its inputs are moderate: if the weights are moderate too, its results must be finite. */
  readonly moderate?: boolean;
  /** The variable that the result is assigned to. */
  readonly into?: string;
  readonly code: string;
}

/** A model and its training data, as code. */
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
export const warnings: string[] = [];

/** Maximum milliseconds for a call, also on a busy machine. */
const TIME_LIMIT = 10_000;

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

/** Runs a program; throws if a call breaks the contract of the package. */
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
  warnings.length = 0;
  try {
    for (const statement of statements) await step(statement, scope);
  } finally {
    for (const name of ['m', 'n']) (scope[name] as lw.Sequential | null)?.dispose?.();
  }
}

async function step(statement: Statement, scope: Scope): Promise<void> {
  const { code, into, moderate } = statement;
  if (usesMissingVariable(code, scope)) return;
  const mayFailPartway = statement.mayFailPartway || hasUserRate(scope) || code.includes('$.whileReading(');
  const before = fingerprint(scope);
  const mustBeFinite = moderate && isModerate(scope.m as lw.Sequential);
  const started = performance.now();
  let thrown: unknown;
  let failed = false;
  let result: unknown;
  try {
    result = evaluate(code, scope);
    if (isPromise(result)) result = await withTimeout(result, code);
  } catch (error) {
    failed = true;
    thrown = error;
  }
  const milliseconds = performance.now() - started;
  await Promise.allSettled(helpers.pending.splice(0));
  if (milliseconds > TIME_LIMIT) throw new Error(`${code}\ntook ${Math.round(milliseconds)} ms`);
  if (!failed) {
    if (mustBeFinite) expectFinite(code, result, scope.m as lw.Sequential);
    expectWarning(code, result);
    if (into && isAssignable(into, result)) scope[into] = result;
    fingerprint(scope); // reading the model must still work
    return;
  }
  checkError(code, thrown);
  if (mayFailPartway) return;
  const after = fingerprint(scope);
  const changed = Object.keys(before).filter(key => before[key] !== after[key]);
  if (changed.length === 0) return;
  const what = changed.map(key => `${key}: ${clip(before[key])} -> ${clip(after[key])}`).join('\n');
  throw new Error(`${code}\nthrew ${describeError(thrown)}\nbut changed ${what}`);
}

/** Whether it uses a variable that is not set yet, such as a stream before `m.stream()`. */
function usesMissingVariable(code: string, scope: Scope): boolean {
  const { layers } = scope.m as lw.Sequential;
  if (code.includes('m.layers[0].') && layers.length === 0) return true;
  return ['n', 's', 'a', 'b'].some(name => !scope[name] && new RegExp(`(?<![\\w$.'])${name}\\.`).test(code));
}

/** Whether a user function computes the learning rate; it may throw in any batch. */
const hasUserRate = ({ m }: Scope) => (m as lw.Sequential).optimizer?.rateOrKind === 'function';

/** An optimizer may also be a name, which is not assigned. */
const isAssignable = (into: string, result: unknown) => (into === 'o' ? isOptimizer(result) : result !== undefined);
const isOptimizer = (value: unknown) =>
  typeof value === 'object' && value !== null && 'learningRate' in value && 'slots' in value;

const clip = (text: string | undefined) => `${text}`.slice(0, 400);

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise;

function evaluate(code: string, scope: Scope): unknown {
  return new Function(...Object.keys(scope), `return (${code});`)(...Object.values(scope));
}

async function withTimeout(promise: Promise<unknown>, code: string): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new RangeError(`${code} did not finish within ${TIME_LIMIT} ms`)), TIME_LIMIT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const describeError = (error: unknown) =>
  error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 400) : typeof error;

/** Requires an error of a user function, or a one-line `ValueError` that names a call in the code. */
function checkError(code: string, error: unknown): void {
  if (error instanceof UserError) return;
  if (!(error instanceof lw.ValueError)) {
    const stack = error instanceof Error ? error.stack?.split('\n').slice(1, 5).join('\n') : '';
    throw new Error(`${code}\nthrew ${describeError(error)}\n${stack}`);
  }
  const [, name] = /^(\S+): [^\n\r\u2028\u2029]+$/.exec(error.message) ?? [];
  if (!name)
    throw new Error(
      `${code}\nthrew ${JSON.stringify(error.message.slice(0, 400))}, which is not a one-line message of the form 'call: ...'`,
    );
  // Properties are assigned, not called.
  const [, property] = /\.(\w+) = /.exec(code) ?? [];
  if (property && error.message.startsWith(`${name}: ${property} `)) return;
  const last = (path: string) => path.split('.').at(-1)!;
  const called = [...code.matchAll(/([\w.$]+)(?=\()/g)].map(([, path]) => last(path!));
  if (!called.includes(last(name))) throw new Error(`${code}\nthrew ${describeError(error)}, which names another call`);
}

const valuesOf = (tensors: readonly lw.Tensor[]) => tensors.flatMap(tensor => [...tensor.dataSync()]);

function isModerate(model: lw.Sequential): boolean {
  try {
    const states = /stateful\W+true/.test(String(model.toJSON())) ? model.getStates().flat() : [];
    return valuesOf([...model.getWeights(), ...states]).every(value => Math.abs(value) < 100);
  } catch {
    return false; // it has no layers, is disposed, or has states that cannot be read
  }
}

function expectFinite(code: string, result: unknown, model: lw.Sequential): void {
  const all = numbersOf(result);
  if (!all.every(Number.isFinite)) throw new Error(`${code}\nreturned ${all.slice(0, 20)}`);
  const rate = model.optimizer?.rateOrKind;
  if (typeof rate !== 'number' || rate > 1) return;
  if (!valuesOf(model.getWeights()).every(Number.isFinite))
    throw new Error(`${code}\nleft weights that are not finite`);
}

/** Requires a warning for NaN. One per program is enough: models that share weights also share the warning. */
function expectWarning(code: string, result: unknown): void {
  if (!/^[mns]\.(?:train|test|predict|evaluate|fit|step|inspect)\w*\(/.test(code)) return;
  if (!numbersOf(result).some(Number.isNaN)) return;
  if (warnings.some(warning => / (?:is|holds?) -?(?:NaN|Infinity); /.test(warning))) return;
  throw new Error(`${code}\nreturned NaN without a warning`);
}

/** The numbers in a tensor, a history, a result of a stream or of `inspect`, or a list of these. */
function numbersOf(result: unknown): number[] {
  if (typeof result === 'number') return [result];
  if (result instanceof lw.Tensor) return valuesOf([result]);
  if (result instanceof lw.History) return numbersOf(Object.values(result.history));
  if (result instanceof Float32Array) return [...result];
  if (typeof result === 'object' && result && 'h' in result) return numbersOf(result.h);
  return Array.isArray(result) ? result.flatMap(numbersOf) : [];
}
