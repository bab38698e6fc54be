/** A live chart. */
export interface Plot<Data> {
  /** The `<svg>` element, which can be placed anywhere in a page. */
  readonly node: SVGSVGElement;
  /** Draws new data and returns the plot. Reuses the existing elements. */
  update(data: Data): Plot<Data>;
  /** The current chart as the text of a standalone SVG file. */
  toSVG(): string;
  /** Removes the chart from its container. */
  remove(): void;
}
