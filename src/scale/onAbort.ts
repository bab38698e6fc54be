/** One listener for all tasks that share a signal: Node warns of a leak at more than ten listeners. */

const stopsOf = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `stop` when a signal is aborted. @returns a function that prevents it */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  let stops = stopsOf.get(signal);
  if (!stops) {
    const added = new Set<() => void>();
    stops = added;
    stopsOf.set(signal, added);
    const stopAll = () => {
      for (const one of [...added]) one();
    };
    signal.addEventListener('abort', stopAll, { once: true });
  }
  const all = stops;
  const call = () => stop(); // the same function may be given twice
  all.add(call);
  return () => void all.delete(call);
}
