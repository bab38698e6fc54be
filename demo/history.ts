/** The costs of a run. */

const most = 1024;
const recent = 10;

interface Point {
  readonly step: number;
  readonly cost: number;
  readonly rival: number | null;
}

export interface Curve {
  readonly steps: number[];
  readonly losses: number[];
  /** Costs of the plain RNN beside the network; empty if there is none. */
  readonly rival: number[];
}

/**
 * The curve has at most `most` points, however long the run: when there are more, every second one is dropped, and from
 * then on only every second, fourth and so on is kept. The newest point is always included.
 */
export class History {
  #points: Point[] = [];
  #stride = 1;
  #count = 0;
  #newest: Point | null = null;
  #recent: number[] = [];

  add(cost: number, rival: number | null = null): void {
    const step = this.#count++;
    this.#newest = { step, cost, rival };
    this.#recent[step % recent] = cost;
    if (step % this.#stride !== 0) return;
    this.#points.push(this.#newest);
    if (this.#points.length <= most) return;
    this.#stride *= 2;
    this.#points = this.#points.filter(point => point.step % this.#stride === 0);
  }

  get curve(): Curve {
    const last = this.#points.at(-1);
    const points = this.#newest && this.#newest !== last ? [...this.#points, this.#newest] : this.#points;
    return {
      steps: points.map(({ step }) => step),
      losses: points.map(({ cost }) => cost),
      rival: points.flatMap(({ rival }) => (rival === null ? [] : [rival])),
    };
  }

  get cost(): number | null {
    return this.#newest?.cost ?? null;
  }

  get rivalCost(): number | null {
    return this.#newest?.rival ?? null;
  }

  /** The mean of the last few costs, because single costs vary with their batch; null while there are too few. */
  get recentCost(): number | null {
    return this.#count < recent ? null : this.#recent.reduce((sum, cost) => sum + cost, 0) / recent;
  }
}
