/** A picture that is as wide as its place in the page. */

export interface Size {
  width: number;
  height: number;
}

interface Picture<Data> {
  readonly node: SVGSVGElement;
  update(data: Data): unknown;
}

/**
 * Scaling a picture would scale its text, so it is drawn again with the same data when its place changes its size.
 */
export class Fitted<Data, Drawn extends Picture<Data> = Picture<Data>> {
  readonly #place: HTMLElement;
  readonly #make: (size: Size) => Drawn;
  #drawn: Drawn | null = null;
  #data: Data | null = null;
  #size: Size;

  /**
   * @param height `given` by the style sheet, so that nothing moves when the picture is drawn, or `free`: that of the
   *   picture, whose changes are ignored
   * @param resized called after the picture was drawn again
   */
  constructor(
    place: HTMLElement,
    make: (size: Size) => Drawn,
    height: 'given' | 'free',
    resized: () => void = () => {},
  ) {
    this.#place = place;
    this.#make = make;
    this.#size = this.#measure();
    new ResizeObserver(() => {
      const { width, height: tall } = this.#measure();
      const same = width === this.#size.width && (height === 'free' || tall === this.#size.height);
      if (same || !this.#drawn) return;
      this.#draw();
      resized();
    }).observe(place);
  }

  get width(): number {
    return this.#size.width;
  }

  /** The current picture; null before it is drawn. */
  get drawn(): Drawn | null {
    return this.#drawn;
  }

  /** Creates the picture again, without data until there is some. */
  begin(data: Data | null = null): void {
    this.#data = data;
    this.#draw();
  }

  update(data: Data): void {
    this.#data = data;
    this.#drawn?.update(data);
  }

  #draw(): void {
    this.#size = this.#measure();
    this.#drawn = this.#make(this.#size);
    if (this.#data) this.#drawn.update(this.#data);
    this.#place.replaceChildren(this.#drawn.node);
  }

  #measure(): Size {
    const { clientWidth, clientHeight } = this.#place;
    return { width: Math.max(240, Math.floor(clientWidth)), height: Math.max(160, Math.floor(clientHeight)) };
  }
}
