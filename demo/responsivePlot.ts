/** A chart as wide as its place in the page. */

import type { Plot } from 'lstm-wasm/plot';

interface Size {
  width: number;
  height: number;
}

/**
 * A chart has a size of its own, and scaling it would scale its letters. So it is drawn anew whenever its place changes
 * its width, with the data it had.
 */
export class ResponsivePlot<Data> {
  readonly #place: HTMLElement;
  readonly #make: (size: Size) => Plot<Data>;
  #plot: Plot<Data> | null = null;
  #data: Data | null = null;
  #size: Size = { width: 0, height: 0 };

  constructor(place: HTMLElement, make: (size: Size) => Plot<Data>, resized: () => void = () => {}) {
    this.#place = place;
    this.#make = make;
    this.#measure();
    new ResizeObserver(() => {
      if (!this.#measure()) return;
      this.rebuild();
      resized();
    }).observe(place);
  }

  get width(): number {
    return this.#size.width;
  }

  /** The chart as it stands; null before the first data. */
  get plot(): Plot<Data> | null {
    return this.#plot;
  }

  /** Other data, of another kind: the chart is made again. */
  begin(data: Data): void {
    this.#data = data;
    this.rebuild();
  }

  update(data: Data): void {
    this.#data = data;
    if (!this.#plot) this.rebuild();
    else this.#plot.update(data);
  }

  /** Makes the chart again, where what it is made from has changed. */
  rebuild(): void {
    const plot = this.#make(this.#size);
    if (this.#data) plot.update(this.#data);
    this.#place.replaceChildren(plot.node);
    this.#plot = plot;
  }

  /** The height is the place's own, given by the style sheet, so that nothing moves when the chart comes. */
  #measure(): boolean {
    const width = Math.max(240, Math.floor(this.#place.clientWidth));
    const height = Math.max(160, Math.floor(this.#place.clientHeight));
    if (width === this.#size.width && height === this.#size.height) return false;
    this.#size = { width, height };
    return true;
  }
}
