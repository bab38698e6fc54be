/** A pad for drawing one period of a curve, with the pointer or the keyboard. */

import './style.css';
import { element } from '../element.ts';
import { svgElement } from '../svg.ts';
import { pack } from './pack.ts';
import { places, presets, seriesOf } from './series.ts';

/** In the units of the picture; a point is `step` wide. */
const width = 640;
const height = 200;
const step = width / places;
const reach = 0.92;
/** The number of neighbours on each side that move with a point. */
const soft = 4;

const x = (place: number) => (place + 0.5) * step;
const y = (value: number) => (height / 2) * (1 - reach * value);

/**
 * @param changed called with the packed curve after a stroke or a move of a point
 * @returns `show` shows a curve, such as that of a link
 */
export function drawPad(place: HTMLElement, changed: (packed: string) => void): { show(packed: string): void } {
  const values = Float32Array.from(presets.Hills);

  const line = svgElement('polyline', { class: 'own-line' });
  // Lines of zero length with round caps are dots that stay round in a stretched picture.
  const mark = svgElement('path', { class: 'own-mark' });
  const middle = svgElement('path', { class: 'own-middle' });
  const zero = svgElement('line', { class: 'own-zero', x1: 0, x2: width, y1: height / 2, y2: height / 2 });
  // The start of the next period
  const again = svgElement('polyline', { class: 'own-again' });
  const paper = svgElement('svg', { viewBox: `0 0 ${width} ${height}`, class: 'own-paper', role: 'img' });
  paper.setAttribute('preserveAspectRatio', 'none');
  paper.append(zero, again, line, mark, middle);

  const slider = (label: string, properties: Partial<HTMLInputElement>) => {
    const input = element('input', { type: 'range', autocomplete: 'off', ...properties });
    return { input, label: element('label', {}, label, input) };
  };
  const at = slider('Point', { min: '1', max: String(places), value: '17' });
  const level = slider('Height', { min: '-100', max: '100', value: '0' });
  const buttons = Object.entries(presets).map(([name, curve]) => {
    const button = element('button', { type: 'button' }, name);
    button.addEventListener('click', () => {
      values.set(curve);
      draw();
      changed(pack(values));
    });
    return button;
  });
  const begin = element('div', { className: 'own-presets' }, 'Start with', ...buttons);
  begin.setAttribute('role', 'group');
  begin.setAttribute('aria-label', 'Start with a preset curve');
  place.classList.add('own-pad');
  place.replaceChildren(
    element('p', { className: 'own-hint' }, 'Draw one period of a curve in the box.'),
    paper,
    begin,
    element('div', { className: 'own-sliders' }, at.label, level.label),
  );

  const chosen = () => at.input.valueAsNumber - 1;

  function draw(): void {
    const points = (shift: number) =>
      Array.from(values, (value, n) => `${x(n) + shift},${y(value).toFixed(1)}`).join(' ');
    line.setAttribute('points', points(0));
    again.setAttribute('points', `${points(-width)} ${points(0)} ${points(width)}`);
    for (const dot of [mark, middle]) dot.setAttribute('d', `M${x(chosen())} ${y(values[chosen()]!)}h0`);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    paper.setAttribute('aria-label', `Your curve, ${places} points from ${low.toFixed(2)} to ${high.toFixed(2)}`);
    level.input.value = String(Math.round(100 * values[chosen()]!));
  }

  // ------------------------------------------------------------------------------------------------ pointer

  /** The previous point of the current stroke. */
  let last: { place: number; value: number } | null = null;

  function stroke(event: PointerEvent): void {
    const box = paper.getBoundingClientRect();
    const place = clamp(Math.floor(((event.clientX - box.left) / box.width) * places), 0, places - 1);
    const value = clamp((1 - (2 * (event.clientY - box.top)) / box.height) / reach, -1, 1);
    const from = last ?? { place, value };
    const distance = Math.abs(place - from.place);
    for (let n = 0; n <= distance; n++) {
      const share = distance === 0 ? 1 : n / distance;
      values[Math.round(from.place + share * (place - from.place))] = from.value + share * (value - from.value);
    }
    last = { place, value };
    at.input.value = String(place + 1);
    draw();
  }

  paper.addEventListener('pointerdown', event => {
    if (event.button !== 0 || last) return;
    paper.setPointerCapture(event.pointerId);
    stroke(event);
  });
  paper.addEventListener('pointermove', event => {
    if (!last || !paper.hasPointerCapture(event.pointerId)) return;
    // Fast strokes have several points per frame.
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length > 0 ? all : [event]) stroke(each);
  });
  paper.addEventListener('lostpointercapture', () => {
    if (!last) return;
    last = null;
    changed(pack(values));
  });

  // ----------------------------------------------------------------------------------------------- keyboard

  at.input.addEventListener('input', draw);
  level.input.addEventListener('input', () => {
    const change = level.input.valueAsNumber / 100 - values[chosen()]!;
    for (let n = -soft; n <= soft; n++) {
      const neighbour = (chosen() + n + places) % places;
      const share = 0.5 + 0.5 * Math.cos((Math.PI * n) / (soft + 1));
      values[neighbour] = clamp(values[neighbour]! + share * change, -1, 1);
    }
    draw();
  });
  level.input.addEventListener('change', () => changed(pack(values)));

  draw();
  return {
    show(packed) {
      const series = seriesOf({ own: packed });
      // A link may have another number of points than the pad.
      for (let n = 0; n < places; n++) values[n] = series[Math.floor((n * series.length) / places)]!;
      draw();
    },
  };
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
