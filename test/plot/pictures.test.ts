/** Every picture matches its snapshot, is a standalone file, and is updated without new elements. */

import { expect, test, vi } from 'vitest';
import {
  benchmarkChart,
  cellDiagram,
  chainDiagram,
  gateHeatmap,
  predictionPlot,
  type Theme,
} from '../../src/plot/node.ts';
import { kinds, scenes } from './pictures.ts';
import { groups } from './scenes.ts';
import { matchSnapshot } from './snapshot.ts';
import { expectStandalone } from './standalone.ts';
import { parseXML } from './xml.ts';

for (const [name, { make, data }] of Object.entries(scenes)) {
  const draw = (theme?: Theme) => make(theme).update(data[0] as never);

  test(`${name} matches its snapshot`, () => matchSnapshot(name, draw().toSVG()));

  test(`${name} is a standalone file in every theme, with and without data`, () => {
    for (const theme of ['light', 'dark', 'auto'] as const) {
      expectStandalone(make(theme).toSVG());
      for (const update of data)
        expectStandalone(
          make(theme)
            .update(update as never)
            .toSVG(),
        );
    }
  });

  test(`${name} keeps its elements during updates, and is the same after the same data`, () => {
    const plot = draw();
    const [nodes, svg] = [allNodes(plot.node), plot.toSVG()];
    const created = countCreated(plot.node.ownerDocument, () => {
      for (const update of [...data, data[0]]) plot.update(update as never);
    });
    expect(created).toBe(0);
    const after = allNodes(plot.node);
    expect(after.length).toBe(nodes.length);
    expect(after.every((node, n) => node === nodes[n])).toBe(true);
    expect(plot.toSVG()).toBe(svg);
  });

  test(`${name} does not change if an update fails`, () => {
    const plot = draw();
    const svg = plot.toSVG();
    expect(() => plot.update({ ...(data[1] as object), caption: 3 } as never)).toThrow('caption must be a string');
    expect(plot.toSVG()).toBe(svg);
  });

  test(`${name} differs between themes in colours only`, () => {
    const plain = (svg: string) => svg.replace(/ (fill|stroke)="#\w+"| class="[^"]*"|<style>.*?<\/style>/g, '');
    const [light, dark, auto] = (['light', 'dark', 'auto'] as const).map(theme => draw(theme).toSVG());
    expect(plain(dark!)).toBe(plain(light!));
    expect(plain(auto!)).toBe(plain(light!));
    expect(dark).not.toBe(light);
  });
}

/** The elements and texts of a picture, in order. */
const allNodes = (node: Node): Node[] => [node, ...[...node.childNodes].flatMap(allNodes)];

/** Counts the elements and texts that a document creates during a call. */
function countCreated(document: Document, work: () => void): number {
  const spies = (['createElementNS', 'createElement', 'createTextNode'] as const).map(name => vi.spyOn(document, name));
  try {
    work();
    return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

test('the counter of new elements counts', () => {
  const { ownerDocument } = predictionPlot().node;
  expect(countCreated(ownerDocument, () => predictionPlot())).toBeGreaterThan(50);
});

test('values have two decimals and a minus sign, or scientific notation', () => {
  const plot = cellDiagram().update({ x: -0.456, c: 123456, f: -0.001, o: -Infinity, i: Number.NaN });
  const texts = [...plot.node.querySelectorAll('.lw-mark')].map(text => text.textContent);
  expect(texts).toEqual(expect.arrayContaining(['−0.46', '1.2e+5', '0.00', '−∞', 'NaN']));
});

test('a value has the colour of its field in a heat map', () => {
  const heat = gateHeatmap({ units: 1, steps: 1 }).update({ f: [0.8], c: [-0.6] });
  const cell = cellDiagram().update({ f: 0.8, c: -0.6 });
  const fill = (name: string) => heat.node.querySelector(`.lw-panel-${name} rect`)!.getAttribute('fill');
  const visible = [...cell.node.querySelectorAll('.lw-value')].filter(group => group.getAttribute('display') === null);
  expect(visible.map(group => group.querySelector('circle')!.getAttribute('fill'))).toEqual([fill('f'), fill('c')]);
});

test('fields have the colour of the nearest level, and values beyond the ends are clipped', () => {
  const plot = gateHeatmap({ kind: 'rnn', units: 5, steps: 1 });
  const fills = () => [...plot.node.querySelectorAll('.lw-panel-h rect')].map(rect => rect.getAttribute('fill'));
  expect(new Set(fills())).toEqual(new Set(['none']));
  plot.update({ h: [-7, -1, 0, 1, 7] });
  const [below, low, middle, high, above] = fills();
  expect([below, above]).toEqual([low, high]);
  expect(new Set([low, middle, high]).size).toBe(3);
  plot.update({ h: [0, 0, 0, 0, Number.NaN] });
  expect(fills()).toEqual([middle, middle, middle, middle, 'none']);
});

test('narrow heat maps have fewer columns of panels', () => {
  const columns = (width: number) => {
    const tags = parseXML(gateHeatmap({ units: 2, steps: 2, width }).toSVG());
    const panels = tags.filter(tag => tag.attributes.class?.startsWith('lw-panel'));
    return new Set(panels.map(tag => /\((\d+)/.exec(tag.attributes.transform!)![1])).size;
  };
  expect([240, 400, 720].map(columns)).toEqual([1, 2, 3]);
});

test('bars point from the base to both sides, in the colours of the legend', () => {
  const plot = benchmarkChart({ groups, base: 1, unit: 'x', own: ['lstm-wasm'] });
  plot.update({
    values: [
      [1, 10, 0.1],
      [0.5, 100, 1],
    ],
  });
  const lines = [...plot.node.querySelectorAll('.lw-bars line')];
  const length = (line: Element) => Number(line.getAttribute('x2')) - Number(line.getAttribute('x1'));
  expect(lines.map(line => Math.sign(length(line)))).toEqual([0, 1, -1, -1, 1, 0]);
  expect(lines.map(line => line.getAttribute('class'))).toEqual(
    ['prediction', 'axis', 'target', 'prediction', 'axis', 'axis'].map(part => `lw-${part}`),
  );
  expect(length(lines[4]!)).toBeCloseTo(2 * length(lines[1]!), 1);
});

test('the shortest bar is visible for every value', () => {
  for (const value of [0.2, 0.5, 1, 10]) {
    const plot = benchmarkChart({ groups: [{ title: 'a', bars: ['b', 'c'] }] }).update({
      values: [[value, 9 * value]],
    });
    const line = plot.node.querySelector('.lw-bars line')!;
    expect(Number(line.getAttribute('x2')) - Number(line.getAttribute('x1'))).toBeGreaterThan(10);
  }
});

test('pictures are small files', () => {
  for (const kind of kinds) {
    expect(cellDiagram({ kind }).toSVG().length).toBeLessThan(12_000);
    expect(chainDiagram({ kind }).toSVG().length).toBeLessThan(16_000);
  }
});
