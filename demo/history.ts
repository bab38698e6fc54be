/** The costs of a run. */

const most = 1024;
const recent = 10;

/**
 * However long the run, its curve keeps at most `most` points: once there are more, every second one goes, and of the
 * later ones every second, every fourth and so on is kept. The newest is always there.
 */
export class History {
  #steps: number[] = [];
  #costs: number[] = [];
  #stride = 1;
  #count = 0;
  #newest: number | null = null;
  #recent: number[] = [];

  add(cost: number): void {
    const step = this.#count++;
    this.#newest = cost;
    this.#recent[step % recent] = cost;
    if (step % this.#stride !== 0) return;
    this.#steps.push(step);
    this.#costs.push(cost);
    if (this.#steps.length <= most) return;
    this.#stride *= 2;
    const kept = this.#steps.map(each => each % this.#stride === 0);
    this.#steps = this.#steps.filter((_, i) => kept[i]);
    this.#costs = this.#costs.filter((_, i) => kept[i]);
  }

  get curve(): { steps: number[]; losses: number[] } {
    const last = this.#count - 1;
    if (this.#newest === null || last === this.#steps.at(-1)) return { steps: this.#steps, losses: this.#costs };
    return { steps: [...this.#steps, last], losses: [...this.#costs, this.#newest] };
  }

  get cost(): number | null {
    return this.#newest;
  }

  /** The mean of the last few costs, since a single one rises and falls with its batch; null while there are few. */
  get recentCost(): number | null {
    return this.#count < recent ? null : this.#recent.reduce((sum, cost) => sum + cost, 0) / recent;
  }
}
