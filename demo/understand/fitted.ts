/** A picture as wide as its place. */

/** Its height follows from its width, and so it is drawn anew when the width changes, with the data it had. */
export class Fitted<Data, Drawn extends Picture<Data> = Picture<Data>> {
  readonly #place: HTMLElement;
  readonly #make: (width: number) => Drawn;
  #drawn: Drawn | null = null;
  #data: Data | null = null;
  #width = 0;

  constructor(place: HTMLElement, make: (width: number) => Drawn) {
    this.#place = place;
    this.#make = make;
    new ResizeObserver(() => {
      if (this.#drawn && this.#measure() !== this.#width) this.#draw();
    }).observe(place);
  }

  /** The picture as it stands; null before it is drawn. */
  get drawn(): Drawn | null {
    return this.#drawn;
  }

  update(data: Data): void {
    this.#data = data;
    this.#drawn?.update(data);
  }

  /** Draws it anew, without data. */
  draw(): void {
    this.#data = null;
    this.#draw();
  }

  #draw(): void {
    this.#width = this.#measure();
    this.#drawn = this.#make(this.#width);
    if (this.#data) this.#drawn.update(this.#data);
    this.#place.replaceChildren(this.#drawn.node);
  }

  #measure(): number {
    return Math.max(240, Math.floor(this.#place.clientWidth));
  }
}

interface Picture<Data> {
  readonly node: SVGSVGElement;
  update(data: Data): unknown;
}
