/** The training speed: the set speed, distributed over frames, and the measured one. */

/** Steps per second for each position of the slider; the last one is unlimited. */
export const speeds = [1, 2, 5, 10, 20, 30, 60, 120, 240, Infinity] as const;

export const speedName = (speed: number) =>
  speed === Infinity ? 'full speed' : `${speed} ${speed === 1 ? 'step' : 'steps'} per second`;

/** Milliseconds; the steps of longer frames are not made up for. */
const longestFrame = 100;

export class Pace {
  speed: number;
  /** Milliseconds that have passed. */
  elapsed = 0;
  #owed = 0;
  #last = 0;

  constructor(speed: number) {
    this.speed = speed;
  }

  /** Starts at `now`, with the first step due immediately. */
  start(now: number): void {
    this.#owed = 1;
    this.#last = now;
  }

  pass(now: number): void {
    const passed = Math.max(now - this.#last, 0);
    this.#last = now;
    this.elapsed += passed;
    if (this.speed < Infinity) this.#owed += (Math.min(passed, longestFrame) / 1000) * this.speed;
  }

  /** Steps that are due. */
  get due(): number {
    return this.speed === Infinity ? Infinity : Math.floor(this.#owed);
  }

  /** Counts steps that were taken; due steps without room are not made up for. */
  took(steps: number): void {
    if (this.speed === Infinity) return;
    this.#owed = Math.min(this.#owed - steps, 2);
  }
}

/** Steps per second over about the last second. */
export class Meter {
  #marks: { time: number; steps: number }[] = [];

  start(): void {
    this.#marks = [];
  }

  /** Records the number of steps at a time. */
  mark(time: number, steps: number): void {
    this.#marks.push({ time, steps });
    while (this.#marks.length > 2 && time - this.#marks[0]!.time > 1000) this.#marks.shift();
  }

  get rate(): number | null {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (!first || !last || first.time === last.time) return null;
    return ((last.steps - first.steps) / (last.time - first.time)) * 1000;
  }
}
