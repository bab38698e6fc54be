/**
 * The metric name of each function of `metrics`: `compile` uses the name instead of the function. In a file of its own, so
 * that bundlers can remove the functions if a program does not use them.
 */

const names = new WeakMap<object, string>();

/** Registers the functions of an object under their property names. */
export function registerNames<T extends Record<string, object>>(functions: T): T {
  for (const [name, metric] of Object.entries(functions)) names.set(metric, name);
  return functions;
}

/** The name of a function of `metrics`; null for any other value. */
export function nameOfFunction(value: unknown): string | null {
  return typeof value === 'function' ? (names.get(value) ?? null) : null;
}
