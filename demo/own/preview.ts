/** A line through numbers, as wide as its place. */

const svgNamespace = 'http://www.w3.org/2000/svg';

export function svgElement<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: { [name: string]: string | number } = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

export class Preview {
  readonly node = svgElement('svg', { viewBox: '0 0 600 120', preserveAspectRatio: 'none', class: 'own-preview' });
  readonly #line = svgElement('polyline', { class: 'own-line' });

  constructor() {
    this.node.setAttribute('role', 'img');
    this.node.append(this.#line);
  }

  /** @param name for those who cannot see it */
  show(values: ArrayLike<number>, name: string): void {
    const list = Array.from(values);
    const [min, max] = [Math.min(...list), Math.max(...list)];
    const x = (n: number) => (n / (list.length - 1)) * 600;
    const y = (value: number) => (max > min ? 114 - ((value - min) / (max - min)) * 108 : 60);
    this.#line.setAttribute('points', list.map((value, n) => `${x(n).toFixed(1)},${y(value).toFixed(1)}`).join(' '));
    this.node.setAttribute('aria-label', name);
  }
}
