/** The costs of a run. */

const most = 2048;
const recent = 10;

/**
 * However long the run, its curve keeps at most `most` points: once there are more, every second one goes, and of the
 * later ones every second, every fourth and so on is kept. The newest is always there.
 */
export class History {
  #steps: number[] = [];
  #costs: number[] = [];
  #stride = 1;
  #newest: [number, number] | null = null;
  #recent: number[] = [];

  add(step: number, cost: number): void {
    this.#newest = [step, cost];
    this.#recent = [...this.#recent.slice(1 - recent), cost];
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
    const [step, cost] = this.#newest ?? [];
    if (step === undefined || cost === undefined || step === this.#steps.at(-1)) {
      return { steps: this.#steps, losses: this.#costs };
    }
    return { steps: [...this.#steps, step], losses: [...this.#costs, cost] };
  }

  get cost(): number | null {
    return this.#newest?.[1] ?? null;
  }

  /** The mean of the last few costs; a single one rises and falls with the part of the wave it saw. */
  get recentCost(): number {
    return this.#recent.reduce((sum, cost) => sum + cost, 0) / this.#recent.length;
  }
}
