/** Code that is loaded when it is first needed, so that programs that never need it do not load it. */

export class Lazy<M> {
  readonly #load: () => Promise<M>;
  #loaded: M | null = null;

  /** @param load an `import()`, which bundlers turn into a file of its own */
  constructor(load: () => Promise<M>) {
    this.#load = load;
  }

  /** Null until it has been loaded. */
  get loaded(): M | null {
    return this.#loaded;
  }

  /** Loads it. After a failure, the next call tries again. */
  async get(): Promise<M> {
    this.#loaded ??= await this.#load();
    return this.#loaded;
  }
}
