/** Scratch of threads: each has a copy of a plan, which differs in the addresses of scratch only. */

/** The number of this thread; the thread that calls the others is 0. */
let thread: usize = 0;

export function setThread(n: usize): void {
  thread = n;
}

/** The number of this thread. */
@inline
export function threadNumber(): usize {
  return thread;
}

/** The copy of a plan that belongs to this thread; src/ writes the copies one after the other. */
@inline
export function own<T>(plan: T): T {
  return changetype<T>(changetype<usize>(plan) + thread * offsetof<T>());
}
