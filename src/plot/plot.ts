/** What every live chart can do. */
export interface Plot<Data> {
  /** The `<svg>` element, to be placed anywhere in a page. */
  readonly node: SVGSVGElement;
  /** Draws new data by moving what is there; returns the plot. */
  update(data: Data): Plot<Data>;
  /** The chart as it stands, as the text of a standalone SVG file. */
  toSVG(): string;
  /** Takes the chart out of its container. */
  remove(): void;
}
