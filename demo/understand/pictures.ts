/** The pictures of the section, and how they show a look at the networks. */

import {
  type CellData,
  type CellKind,
  type ChainData,
  cellDiagram,
  chainDiagram,
  type GateData,
  gateHeatmap,
} from 'lstm-wasm/plot';
import { Fitted } from '../fitted.ts';
import { type Choice, chainAt, type Look, type Sight, valuesAt } from './look.ts';

/** The sizes of the networks, on which the pictures depend. */
export interface Subject {
  readonly kind: 'lstm' | 'gru';
  readonly units: number;
  readonly timeSteps: number;
}

export const nameOf: Record<CellKind, string> = { lstm: 'LSTM', gru: 'GRU', rnn: 'Plain RNN' };

const sides = ['plain', 'gated'] as const;
type Side = (typeof sides)[number];
const cellsInChain = 3;

/** The most fields of a panel of the heat map, which are slow to draw. */
const mostFields = 2000;
export const unitsShown = ({ units, timeSteps }: Subject) =>
  Math.min(units, Math.max(8, Math.floor(mostFields / timeSteps)));

export class Pictures {
  readonly #chains: Record<Side, Fitted<ChainData, ReturnType<typeof chain>>>;
  readonly #cells: Record<Side, Fitted<CellData, ReturnType<typeof cell>>>;
  readonly #heat: Fitted<{ gates: GateData; choice: Choice }, ReturnType<typeof heat>>;
  #subject: Subject | null = null;

  /** @param chosen called with the field of the heat map that the user has clicked on */
  constructor(place: HTMLElement, chosen: (choice: Choice) => void) {
    const find = (name: string) => place.querySelector<HTMLElement>(`[data-picture="${name}"]`)!;
    const both = <T>(of: (side: Side) => T) => ({ plain: of('plain'), gated: of('gated') });
    const kind = (side: Side): CellKind => (side === 'plain' ? 'rnn' : this.#subject!.kind);
    this.#chains = both(side => {
      const at = find(`${side}-chain`);
      return new Fitted(at, ({ width }) => chain(at, kind(side), width), 'free');
    });
    this.#cells = both(side => {
      const at = find(`${side}-cell`);
      return new Fitted(at, ({ width }) => cell(at, kind(side), width), 'free');
    });
    this.#heat = new Fitted(find('heat'), ({ width }) => heat(this.#subject!, width, chosen), 'free');
  }

  /** Pictures that can be downloaded, by name. */
  get kept(): { name: string; plot: { toSVG(): string } }[] {
    if (!this.#subject) return [];
    const names = { plain: nameOf.rnn, gated: nameOf[this.#subject.kind] };
    const all = [
      ...sides.map(side => [`${names[side]} chain`, this.#chains[side].drawn] as const),
      ...sides.map(side => [`${names[side]} cell`, this.#cells[side].drawn] as const),
      [`${names.gated} heat map`, this.#heat.drawn] as const,
    ];
    return all.flatMap(([name, plot]) => (plot ? [{ name, plot }] : []));
  }

  /** Draws all of them, without numbers. */
  draw(subject: Subject): void {
    this.#subject = subject;
    for (const picture of [...Object.values(this.#chains), ...Object.values(this.#cells)]) picture.begin();
    this.#heat.begin();
  }

  show(look: Look, choice: Choice): void {
    const { unit, step } = choice;
    for (const side of sides) {
      const sight = look[side];
      this.#chains[side].update({ ...chainAt(look, sight, choice, cellsInChain), caption: `unit ${unit}` });
      this.#cells[side].update({ ...valuesAt(look, sight, choice), caption: `unit ${unit} at time step ${step}` });
    }
    this.#heat.update({ gates: heatData(look.gated, look.units, unitsShown(this.#subject!)), choice });
  }
}

/** Sets the text sizes of a diagram that is scaled as a whole, so that the text stays legible. */
function legible(place: HTMLElement, scale: number, most: number): void {
  const size = (pixels: number, most: number) => `${Math.min(pixels / scale, most).toFixed(1)}px`;
  place.style.setProperty('--understand-value', size(13, most));
  place.style.setProperty('--understand-letter', size(15, 25));
  place.style.setProperty('--understand-lift', `${(15 - Math.min(13 / scale, most)).toFixed(1)}px`);
}

/** On narrow pages, diagrams have at least the width at which all text has 11 pixels, and scroll. */
const narrow = 700;
const leastWidth = { chain: 990, cell: 620 };
const widthOf = (diagram: keyof typeof leastWidth, width: number) =>
  width < narrow ? Math.max(width, leastWidth[diagram]) : width;

/** Shows the open cell, in the middle of the chain. */
function scrollToMiddle(place: HTMLElement): void {
  requestAnimationFrame(() => {
    place.scrollLeft = (place.scrollWidth - place.clientWidth) / 2;
  });
}

function chain(place: HTMLElement, kind: CellKind, available: number) {
  const width = widthOf('chain', available);
  scrollToMiddle(place);
  legible(place, (width - 48) / 1320, 44);
  const plot = chainDiagram({ kind, width, steps: cellsInChain, legend: false, title: nameOf[kind], theme: 'auto' });
  const { node } = plot;
  return {
    node,
    update(data: Parameters<typeof plot.update>[0]) {
      plot.update(data);
      // Before the first step and behind the last
      for (const text of node.querySelectorAll('.lw-mark')) if (text.textContent === 'NaN') text.textContent = '–';
    },
    toSVG: plot.toSVG,
  };
}

function cell(place: HTMLElement, kind: CellKind, available: number) {
  const width = widthOf('cell', available);
  scrollToMiddle(place);
  legible(place, (width - 48) / 772, 25);
  return cellDiagram({ kind, width, legend: false, title: nameOf[kind], theme: 'auto' });
}

/** The first units of all. */
function heatData({ gates }: Sight, units: number, shown: number): GateData {
  const rows = ([name, values]: [string, ArrayLike<number>]) => [
    name,
    Array.from(values).filter((_, n) => n % units < shown),
  ];
  return Object.fromEntries(Object.entries(gates).map(rows as never));
}

function heat(subject: Subject, width: number, chosen: (choice: Choice) => void) {
  const units = unitsShown(subject);
  const height = width < 520 ? 620 : subject.kind === 'gru' ? 420 : 440;
  const plot = gateHeatmap({ kind: subject.kind, units, steps: subject.timeSteps, width, height, theme: 'auto' });
  const { node } = plot;
  const panels = [...node.querySelectorAll<SVGGElement>('.lw-panel')];
  const fields = panels.map(panel => [...panel.children]);
  for (const [n, panel] of panels.entries()) {
    panel.addEventListener('click', ({ target }) => {
      const field = fields[n]!.indexOf(target as Element);
      if (field >= 0) chosen({ unit: field % units, step: Math.floor(field / units) });
    });
  }
  const frames = panels.map(panel => {
    const frame = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    // With the colour of wires, light and dark, in the file of the picture too
    frame.setAttribute('class', 'understand-frame lw-wire');
    for (const [name, value] of Object.entries({ fill: 'none', stroke: '#3d444d', 'stroke-width': '2' })) {
      frame.setAttribute(name, value);
    }
    return panel.appendChild(frame);
  });
  return {
    node,
    toSVG: plot.toSVG,
    update({ gates, choice }: { gates: GateData; choice: Choice }) {
      plot.update(gates);
      for (const [n, frame] of frames.entries()) {
        const field = choice.unit < units ? fields[n]![choice.step * units + choice.unit] : null;
        // What is not displayed by its attribute stays out of the file
        frame.setAttribute('display', field ? 'inline' : 'none');
        if (!field) continue;
        const at = (name: string) => Number(field.getAttribute(name));
        frame.setAttribute('x', String(at('x') - 1));
        frame.setAttribute('y', String(at('y') - 1));
        frame.setAttribute('width', String(at('width') + 2));
        frame.setAttribute('height', String(at('height') + 2));
      }
    },
  };
}
