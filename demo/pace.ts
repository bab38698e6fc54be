/** How fast training goes: the wanted speed, shared out over the frames of the screen, and the speed that came of it. */

/** Steps per second, one for each place of the slider. The last asks for more than any machine does. */
export const speeds = [1, 2, 5, 10, 20, 30, 60, 120, 240, 1e6] as const;

export const speedName = (speed: number) =>
  speed === speeds.at(-1) ? 'full speed' : `${speed} ${speed === 1 ? 'step' : 'steps'} per second`;

/** Milliseconds of a frame that may go into training; at 60 frames a second the rest is for drawing. */
const slice = 6;
/** After a longer pause than this, such as in a hidden tab, the time is not made up for. */
const longestFrame = 100;

export class Pace {
  speed: number;
  #owed = 0;
  #last = 0;

  constructor(speed: number) {
    this.speed = speed;
  }

  /** Begins at `now`, with a first step due at once. */
  start(now: number): void {
    this.#owed = 1;
    this.#last = now;
  }

  /** Takes the steps that are due, until `step` says no or the frame has no time left. */
  frame(now: number, step: () => boolean): void {
    const elapsed = Math.min(Math.max(now - this.#last, 0), longestFrame);
    this.#last = now;
    this.#owed += (elapsed / 1000) * this.speed;
    const end = performance.now() + slice;
    while (this.#owed >= 1 && step()) {
      this.#owed--;
      if (performance.now() >= end) this.#owed %= 1;
    }
  }
}

/** Steps per second over about the last second. */
export class Meter {
  #marks: { time: number; steps: number }[] = [];

  start(): void {
    this.#marks = [];
  }

  /** To be told whenever there are more steps than before. */
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
