import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { expect, test } from 'vitest';
import { animation, lossPlot, predictionPlot, showPlot, type Theme, writeSVG } from '../../src/plot/node.ts';
import { ValueError } from '../../src/util/errors.ts';
import { frameAt, frames, losses } from './scenes.ts';
import { legendOf, shownLines } from './shown.ts';
import { matchSnapshot } from './snapshot.ts';
import { expectStandalone } from './standalone.ts';
import { parseXML } from './xml.ts';

const scenes: Record<string, (theme?: Theme) => string> = {
  'prediction-plot': theme =>
    predictionPlot({ title: 'Sine in, cosine out', yDomain: [-1.2, 1.2], theme })
      .update(frameAt(500))
      .toSVG(),
  'loss-plot': theme => lossPlot({ title: 'Cost of each training step', theme }).update({ losses }).toSVG(),
  animation: theme => animation(frames, { title: 'An LSTM learns the cosine of a sine', theme }),
};

test('animation matches its snapshot', () => matchSnapshot('animation', scenes.animation!()));

test('animation is a standalone file in every theme', () => {
  for (const theme of ['light', 'dark', 'auto'] as const) expectStandalone(scenes.animation!(theme));
});

test('the three pictures of the quick start are small files', () => {
  expect(scenes['prediction-plot']!().length).toBeLessThan(6_000);
  expect(scenes['loss-plot']!().length).toBeLessThan(16_000);
  expect(scenes.animation!().length).toBeLessThan(48_000);
});

test('a prediction update moves the line', () => {
  const plot = predictionPlot().update(frameAt(0));
  const points = () => plot.node.querySelector('.lw-data .lw-prediction')!.getAttribute('d');
  const before = points();
  for (let step = 1; step <= 30; step++) plot.update(frameAt(step));
  expect(points()).not.toBe(before);
});

test('the input line is drawn below the others when the option input names it', () => {
  const plot = predictionPlot({ input: 'sine' }).update({ target: [0, 1], prediction: [1, 0], input: [1, 0] });
  const lines = [...plot.node.querySelectorAll('.lw-data path')];
  expect(lines.map(line => line.getAttribute('class'))).toEqual(['lw-axis', 'lw-target', 'lw-prediction']);
  expect(lines[0]!.getAttribute('d')).toBe(lines[2]!.getAttribute('d'));
  expect(legendOf(plot)).toEqual(['target', 'prediction', 'sine']);
  plot.update({ target: [0, 1], prediction: [1, 0] });
  expect(legendOf(plot)).toEqual(['target', 'prediction']);
  expect(shownLines(plot).map(line => line.getAttribute('class'))).toEqual(['lw-target', 'lw-prediction']);
});

test('the file of a loss plot does not contain hidden ticks', () => {
  const plot = lossPlot();
  for (const length of [1, 10, 100, 501]) plot.update({ losses: losses.slice(0, length) });
  expect(plot.toSVG()).toBe(lossPlot().update({ losses }).toSVG());
});

test('a failed update changes nothing', () => {
  const plot = predictionPlot().update(frameAt(3));
  const before = plot.toSVG();
  expect(() => plot.update({ target: [1], prediction: [1], caption: 3 as never })).toThrow('caption');
  expect(plot.toSVG()).toBe(before);
});

test('a caption stays until an update sets another', () => {
  const plot = predictionPlot().update({ target: [1], prediction: [0], caption: 'before' });
  expect(plot.update({ target: [0], prediction: [1] }).toSVG()).toContain('before');
  expect(plot.update({ target: [0], prediction: [1], caption: '' }).toSVG()).not.toContain('before');
});

test('missing values leave a gap, infinite values leave the picture, and the caption shows NaN', () => {
  const plot = predictionPlot().update({ target: [NaN, 0, Infinity, NaN, -Infinity], prediction: [0, 1, NaN, 2, 3] });
  const paths = shownLines(plot).map(line => line.getAttribute('d')!);
  expect(paths.map(path => path.match(/M/g)!.length)).toEqual([2, 2]);
  const heights = paths[0]!.match(/,-?[\d.]+/g)!.map(text => Math.sign(Number(text.slice(1))));
  expect(heights).toEqual([1, -1, 1, 1]); // the last point is a dot, which is written twice
  const svg = lossPlot()
    .update({ losses: [0.5, 0, -1, Infinity, NaN] })
    .toSVG();
  expect(svg).toContain('cost NaN at step 4');
  expect(svg).not.toMatch(/="[^"]*(NaN|Infinity)/);
});

test('the file is valid if a text has markup or characters that XML cannot contain', () => {
  const svg = predictionPlot({ title: '<b> & "c" \u0000\ud800', labels: ['a<b', 'ä → 😀'] }).toSVG();
  expect(() => parseXML(svg)).not.toThrow();
  expect(svg).toContain('&lt;b&gt; &amp; &quot;c&quot;');
  expect(svg).toContain('ä → 😀');
});

test('the dark colours of theme auto equal those of theme dark', () => {
  const css = /<style>(.*)<\/style>/.exec(predictionPlot({ theme: 'auto' }).toSVG())![1]!;
  expect(css).toMatch(/^@media \(prefers-color-scheme:dark\)\{.*\}$/);
  const painted = parseXML(predictionPlot({ theme: 'dark' }).toSVG()).filter(tag =>
    /^lw-(?!plot|legend|axis-|data)/.test(tag.attributes.class ?? ''),
  );
  for (const { attributes } of painted) {
    const { class: part, fill, stroke } = attributes;
    expect(css).toContain(`.lw-auto .${part}{${stroke ? `stroke:${stroke}` : `fill:${fill}`}}`);
  }
  expect(new Set(painted.map(tag => tag.attributes.class)).size).toBeGreaterThan(6);
});

test('a narrow chart has its caption on a separate line', () => {
  const y = (width: number) => {
    const plot = predictionPlot({ width }).update({ target: [0], prediction: [0], caption: 'step 1' });
    const texts = [...plot.node.querySelectorAll('text')];
    return ['target', 'prediction', 'step 1'].map(words =>
      Number(texts.find(text => text.textContent === words)!.getAttribute('y')),
    );
  };
  expect(y(720)).toEqual([32, 32, 32]);
  expect(y(320)).toEqual([32, 32, 52]);
});

test('a chart can be added to a container and removed from it', () => {
  const outer = predictionPlot();
  const container = outer.node.ownerDocument.createElement('div');
  const plot = lossPlot({ container });
  expect(plot.node.parentNode).toBe(container);
  plot.remove();
  expect(plot.node.parentNode).toBe(null);
});

test('writeSVG and showPlot reject a path below a file and a path of a folder, with the reason', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lstm-wasm-'));
  try {
    const file = writeSVG(join(folder, 'a.svg'), '<svg/>');
    for (const [call, write] of Object.entries({ writeSVG, showPlot: (path: string) => showPlot('<svg/>', path) })) {
      for (const path of [join(file, 'b.svg'), join(file, 'deep', 'b.svg'), folder]) {
        const attempt = () => write(path, '<svg/>');
        expect(attempt).toThrow(ValueError);
        expect(attempt).toThrow(new RegExp(`^${call}: path must be a file that can be written, got E[A-Z]+: `));
      }
    }
    expect(readFileSync(file, 'utf8')).toBe('<svg/>');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('writeSVG creates folders, writes the file and returns its path', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plot-'));
  try {
    const plot = predictionPlot().update(frameAt(7));
    const file = writeSVG(join(folder, 'deep', 'er', 'a.svg'), plot);
    expect(isAbsolute(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(plot.toSVG());
    expect(readFileSync(writeSVG(file, '<svg/>'), 'utf8')).toBe('<svg/>');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
