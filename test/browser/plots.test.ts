/** Plots in a page: the same SVG as in Node, updated in place, and without overlapping labels. */

import { expect, it, vi } from 'vitest';
import '../../src/plot/node.ts'; // draws plots in Node
import { textWidth } from '../../src/plot/text.ts';
import { draw, scenes } from '../plot/pictures.ts';
import { browserPages, inBrowsers } from './browserSuites.ts';
import { openGallery, plotSite } from './gallery.ts';
import { saveScreenshot } from './screenshots.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const names = Object.keys(scenes);

/** The font of the plots, and the widest common fonts; the browser substitutes fonts that are not installed. */
const fonts = ['', "'DejaVu Sans', Verdana, sans-serif", "'DejaVu Serif', Georgia, serif", "Arial, 'Liberation Sans'"];
const sampleTexts = [
  '3,000,000',
  '−2.5×10⁻⁵',
  'Dec 28 18:00',
  'TensorFlow.js wasm',
  'WINDOWS OF 24 HOURS',
  'mean absolute error at step 500',
  'Temperature on the roof, °C',
  'Größe, été, Ångström',
];

const site = plotSite();

inBrowsers(installed => {
  const { name } = installed;
  const { sharePage } = browserPages(installed, { dark: false, reducedMotion: false }, site);
  const sharedPage = sharePage(openGallery);
  const page = () => sharedPage().page;

  it('a page draws the same SVG as Node', async () => {
    const inNode = draw();
    const inPage = await page().evaluate(() => gallery.draw());
    expect(Object.keys(inPage)).toEqual(Object.keys(inNode));
    for (const [name, svg] of Object.entries(inNode)) expect(inPage[name], name).toBe(svg);
  });

  it('an update with known lines adds and removes no node', async () => {
    const changes = await page().evaluate(names => {
      return names.map(name => {
        const { make, data } = gallery.scenes[name]!;
        const plot = make().update(data[0] as never);
        document.body.append(plot.node);
        const observer = new MutationObserver(() => {});
        observer.observe(plot.node, { subtree: true, childList: true, attributes: true, characterData: true });
        for (const update of [...data.slice(1), data[0]]) plot.update(update as never);
        const records = observer.takeRecords();
        observer.disconnect();
        plot.remove();
        return { moved: records.length > 0, rebuilt: records.filter(({ type }) => type === 'childList').length };
      });
    }, names);
    expect(changes).toEqual(names.map(() => ({ moved: true, rebuilt: 0 })));
  });

  it.each(names)('%s: no text overlaps another text, a wire or the edge, in any font', async scene => {
    for (const font of fonts) expect(await page().evaluate(findCollisions, scene, font), font).toEqual([]);
  });

  it('the estimated width of a text is an upper bound in every font', async () => {
    const texts = sampleTexts.flatMap(content => [400, 600].map(weight => ({ content, weight })));
    for (const font of fonts) {
      const measured = await page().evaluate(measure, texts, font);
      for (const [n, { content, weight }] of texts.entries()) {
        expect(measured[n], `${content} in ${font} ${weight}`).toBeLessThanOrEqual(textWidth(content, 100, weight));
      }
    }
  });

  it('showPlot appends a chart or its text to the page, and the error of writeSVG names showPlot', async () => {
    const found = await page().evaluate(() => {
      const plot = gallery.predictionPlot();
      const frame = { target: [0, 1], prediction: [1, 0] };
      const returned = [gallery.showPlot(plot, 'out/plot.svg'), gallery.showPlot(gallery.animation([frame, frame]))];
      const [first, second] = [...document.body.children].slice(-2);
      const widths = [first, second].map(svg => svg!.getBoundingClientRect().width);
      const isNode = first === plot.node;
      first!.remove();
      second!.remove();
      let message = '';
      try {
        gallery.writeSVG('out/plot.svg', plot);
      } catch (error) {
        message = String(error);
      }
      return { returned, widths, isNode, message };
    });
    expect(found).toMatchObject({ returned: ['', ''], widths: [720, 720], isNode: true });
    expect(found.message).toMatch(/^ValueError: writeSVG: needs Node to write a file; in a page, use showPlot/);
  });

  it('draws all plots on one page in the light and the dark theme, for screenshots', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await page().evaluate(theme => {
        document.body.replaceChildren();
        document.body.style.cssText = 'margin:0;background:#888;width:1980px';
        for (const { make, data } of Object.values(gallery.scenes)) {
          document.body.append(make(theme).update(data[0] as never).node);
        }
      }, theme);
      await saveScreenshot(page(), `${name}-plots-${theme}`, true);
    }
    await page().evaluate(() => document.body.replaceChildren());
  });
});

/** Finds texts that overlap something else, after each update of a scene. Runs in the page. */
function findCollisions(scene: string, font: string): string[] {
  const { make, data } = gallery.scenes[scene]!;
  const plot = make();
  plot.node.style.fontFamily = font;
  document.body.append(plot.node);
  const found: string[] = [];
  for (const update of data) {
    plot.update(update as never);
    const drawing = plot.node.getBoundingClientRect();
    const texts = [...plot.node.querySelectorAll('text')]
      .map(text => ({ words: text.textContent ?? '', box: text.getBoundingClientRect() }))
      .filter(({ words, box }) => words.trim() !== '' && box.width > 0)
      .map(({ words, box }) => {
        // Letters are lower than the line box.
        const inset = box.height * 0.2;
        return { words, left: box.left + 1, right: box.right - 1, top: box.top + inset, bottom: box.bottom - inset };
      });
    for (const [n, a] of texts.entries()) {
      if (a.left < drawing.left || a.right > drawing.right || a.top < drawing.top || a.bottom > drawing.bottom) {
        found.push(`'${a.words}' beyond the edge`);
      }
      for (const b of texts.slice(n + 1)) {
        const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
        if (!apart) found.push(`'${a.words}' on '${b.words}'`);
      }
    }
    for (const wire of plot.node.querySelectorAll<SVGPathElement>('path.lw-wire')) {
      const matrix = wire.getScreenCTM()!;
      const length = wire.getTotalLength();
      const crossed = new Set<string>();
      for (let distance = 0; distance <= length; distance += 2) {
        const { x, y } = wire.getPointAtLength(distance).matrixTransform(matrix);
        for (const { words, left, right, top, bottom } of texts) {
          if (x > left && x < right && y > top && y < bottom) crossed.add(words);
        }
      }
      for (const words of crossed) found.push(`a wire through '${words}'`);
    }
  }
  plot.remove();
  return found;
}

/** Measures the widths of texts at a font size of 100 pixels. Runs in the page. */
function measure(texts: readonly { content: string; weight: number }[], font: string): number[] {
  const context = document.createElement('canvas').getContext('2d')!;
  return texts.map(({ content, weight }) => {
    context.font = `${weight} 100px ${font || 'sans-serif'}`;
    return context.measureText(content).width;
  });
}
