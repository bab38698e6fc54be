/** The downloads: the model, the charts, the program. */

import './style.css';
import type { RemoteSequential } from 'lstm-wasm/worker';
import { copy } from '../clipboard.ts';
import { element } from '../element.ts';
import type { Settings } from '../settings.ts';
import type { Task } from '../tasks/task.ts';
import { download } from './download.ts';
import type { formats } from './formats.ts';
import { pngOf } from './picture.ts';
import { programOf } from './program.ts';

/** What can be downloaded, at any time. */
export interface Kept {
  settings(): Settings;
  task(): Task;
  model(): Promise<RemoteSequential>;
  pictures(): { name: string; plot: { toSVG(): string } }[];
}

interface Offer {
  readonly title: string;
  readonly about: string;
  readonly file: string;
}

const offers: Record<keyof typeof formats, Offer> = {
  tfjs: {
    title: 'TensorFlow.js',
    about: 'A zip with model.json and weights.bin, for TensorFlow.js and lstm-wasm.',
    file: 'model.zip',
  },
  keras: {
    title: 'Keras',
    about: 'The network and its weights, for Keras 3. The HDF5 writer is downloaded first (1 MB, once).',
    file: 'model.keras',
  },
  safetensors: {
    title: 'Safetensors',
    about: 'The weights only, with the names of Keras, for any language.',
    file: 'model.safetensors',
  },
  onnx: {
    title: 'ONNX',
    about: 'The network and its weights, for ONNX Runtime. A stateful model has its states as inputs and outputs.',
    file: 'model.onnx',
  },
  snapshot: {
    title: 'Snapshot',
    about: 'Weights, states and optimizer. After model.restore, training continues bit for bit.',
    file: 'model.snapshot',
  },
};

/** @returns `show` updates the program and the list of charts, as scrolling to the section does */
export function keep(place: HTMLElement, run: Kept): { show(): void } {
  const said = element('p', { className: 'keep-said' });
  said.setAttribute('role', 'status');

  /** A button that downloads a file and reports it, or the error. */
  function handOver(label: string, name: string, file: () => string, make: () => Promise<Blob> | Blob): HTMLElement {
    const button = element('button', { type: 'button' }, label);
    button.setAttribute('aria-label', name);
    button.addEventListener('click', async () => {
      // Not `disabled`, which would take the keyboard focus away
      if (button.ariaDisabled === 'true') return;
      button.ariaDisabled = 'true';
      try {
        const content = await make();
        download(file(), content);
        said.textContent = `Downloaded ${file()}, ${size(content.size)}.`;
      } catch (error) {
        said.textContent = `${file()} could not be created: ${(error as Error).message}`;
      }
      button.ariaDisabled = null;
    });
    return button;
  }

  // ------------------------------------------------------------------------------------------------- the model

  const models = Object.entries(offers).map(([name, { title, about, file }]) => {
    const make = async () => {
      const [{ formats }, model] = await Promise.all([import('./formats.ts'), run.model()]);
      const bytes = await formats[name as keyof typeof offers](model);
      return new Blob([bytes], { type: 'application/octet-stream' });
    };
    const button = handOver('Download', `Download ${file}`, () => file, make);
    return element('li', {}, element('div', {}, element('strong', {}, title), element('p', {}, about)), button);
  });

  // ---------------------------------------------------------------------------------------------- the charts

  const pictures = element('ul', { className: 'keep-list' });
  let listed = '';

  function showPictures(): void {
    const names = run.pictures().map(({ name }) => name);
    if (names.join('\n') === listed) return;
    listed = names.join('\n');
    pictures.replaceChildren(
      ...names.map(name => {
        const svg = () => {
          const found = run.pictures().find(picture => picture.name === name);
          if (!found) throw new Error('it is not on the page any more');
          return found.plot.toSVG();
        };
        const file = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
        return element(
          'li',
          {},
          element('strong', {}, name),
          element(
            'div',
            { className: 'keep-pair' },
            handOver(
              'SVG',
              `Download ${name} as SVG`,
              () => `${file}.svg`,
              () => {
                return new Blob([svg()], { type: 'image/svg+xml' });
              },
            ),
            handOver(
              'PNG',
              `Download ${name} as PNG`,
              () => `${file}.png`,
              () => pngOf(svg()),
            ),
          ),
        );
      }),
    );
  }

  // ----------------------------------------------------------------------------------------------- the program

  const code = element('code');
  const text = () => programOf(run.settings(), run.task());
  const copyButton = element('button', { type: 'button' }, 'Copy');
  copyButton.addEventListener('click', async () => {
    if (await copy(text())) said.textContent = 'The program was copied.';
    else {
      getSelection()?.selectAllChildren(code);
      said.textContent = 'The program is selected. Copy it with the keyboard.';
    }
  });
  const listing = element('pre', { tabIndex: 0 }, code);
  listing.setAttribute('role', 'region');
  listing.setAttribute('aria-label', 'The program');

  function show(): void {
    showPictures();
    const now = text();
    if (code.textContent !== now) code.textContent = now;
  }

  place.classList.add('keep');
  place.replaceChildren(
    element(
      'section',
      {},
      element('h3', {}, 'The model'),
      element('p', {}, 'The current weights, during or after training.'),
      element('ul', { className: 'keep-list' }, ...models),
    ),
    element(
      'section',
      {},
      element('h3', {}, 'The charts'),
      element(
        'p',
        {},
        'As they are now. SVG files follow the light or dark theme of the system; PNG files have the current one.',
      ),
      pictures,
    ),
    element(
      'section',
      { className: 'keep-program' },
      element('h3', {}, 'The program'),
      element('p', {}, 'A JavaScript module that repeats this run from its first step, bit for bit.'),
      listing,
      element(
        'div',
        { className: 'keep-pair' },
        copyButton,
        handOver(
          'Download',
          'Download program.mjs',
          () => 'program.mjs',
          () => new Blob([text()], { type: 'text/javascript' }),
        ),
      ),
    ),
    said,
  );
  show();
  new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) show();
  }).observe(place);
  return { show };
}

const size = (bytes: number) =>
  bytes < 1000 ? `${bytes} bytes` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
