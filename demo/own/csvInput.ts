/** Where readers put a table in: a file, dropped or chosen, or text, pasted. */

import './style.css';
import { element } from '../element.ts';
import { pack, unpack } from './pack.ts';
import { Preview } from './preview.ts';
import { readCsv, type Table } from './readCsv.ts';

/** More bytes than any table that `readCsv` takes. */
const largest = 16e6;

/**
 * @param changed is told the packed numbers whenever there are others
 * @returns shows numbers that came from elsewhere, such as from a link
 */
export function csvInput(place: HTMLElement, changed: (packed: string) => void): { show(packed: string): void } {
  const file = element('input', { type: 'file', accept: '.csv,.tsv,.txt,text/csv,text/plain', className: 'own-file' });
  const paste = element('textarea', {
    rows: 3,
    spellcheck: false,
    placeholder: 'month;sales\n2024-01;12,5\n2024-02;13,1',
  });
  paste.autocomplete = 'off';
  const column = element('select');
  const choice = element('label', { className: 'own-choice', hidden: true }, 'Column', column);
  const said = element('p', { className: 'own-said' });
  said.setAttribute('role', 'status');
  const preview = new Preview();
  const picture = element('div', { hidden: true }, preview.node);
  const drop = element(
    'div',
    { className: 'own-drop' },
    element('label', { className: 'own-button' }, 'Choose a file', file),
    element('span', {}, 'or drop one here: CSV, with a header or without.'),
  );
  place.classList.add('own-csv');
  place.replaceChildren(
    drop,
    element('label', { className: 'own-paste' }, 'Or paste rows of a table', paste),
    choice,
    said,
    picture,
  );
  let table: Table | null = null;

  function take(text: string): void {
    try {
      table = readCsv(text);
      column.replaceChildren(...table.columns.map(({ name }, n) => element('option', { value: String(n) }, name)));
      column.selectedIndex = table.likely;
      choice.hidden = false;
      choose();
    } catch (error) {
      refuse((error as Error).message);
    }
  }

  function refuse(sentence: string): void {
    table = null;
    choice.hidden = picture.hidden = true;
    place.dataset.state = 'refused';
    said.textContent = sentence;
  }

  function choose(): void {
    const chosen = table?.columns[column.selectedIndex];
    if (!table || !chosen) return;
    const { name, values, missing } = chosen;
    const holes =
      missing === 0
        ? ''
        : ` ${missing === 1 ? 'One row has' : `${missing} rows have`} no number there; a straight line fills the gap.`;
    draw(values, name);
    said.textContent = `${table.rows.toLocaleString('en')} rows of ${name}.${holes} All of them are trained on.`;
    changed(pack(values));
  }

  function draw(values: ArrayLike<number>, name: string): void {
    place.dataset.state = 'taken';
    picture.hidden = false;
    preview.show(values, `A line through ${values.length} numbers: ${name}`);
  }

  async function read(given: File | undefined): Promise<void> {
    if (!given) return;
    if (given.size > largest) refuse('This file is too large for a table of some thousand rows.');
    else {
      await given.arrayBuffer().then(
        bytes => take(decode(bytes)),
        () => refuse('The file could not be read.'),
      );
    }
  }

  file.addEventListener('change', () => {
    void read(file.files?.[0]);
    // So that the same file, once changed, can be chosen again
    file.value = '';
  });
  let waiting = 0;
  paste.addEventListener('input', () => {
    clearTimeout(waiting);
    if (paste.value.trim() !== '') waiting = window.setTimeout(() => take(paste.value), 250);
  });
  column.addEventListener('change', choose);
  // Without this, a file dropped beside the box would replace the page
  for (const type of ['dragenter', 'dragover', 'dragleave', 'drop'] as const) {
    place.addEventListener(type, event => {
      event.preventDefault();
      drop.classList.toggle('own-over', type === 'dragenter' || type === 'dragover');
    });
  }
  place.addEventListener('drop', event => {
    const { files } = event.dataTransfer!;
    const text = event.dataTransfer!.getData('text/plain');
    if (files.length > 0) void read(files[0]);
    else if (text) take(text);
  });

  return {
    show(packed) {
      try {
        const numbers = unpack(packed);
        choice.hidden = true;
        draw(numbers, 'those in the address');
        said.textContent = `The address holds ${numbers.length.toLocaleString('en')} numbers. All of them are trained on.`;
      } catch {
        choice.hidden = picture.hidden = true;
        delete place.dataset.state;
        said.textContent = 'Until there is a table, made-up months stand in: ten years with a summer in each.';
      }
    },
  };
}

/** Spreadsheets write UTF-8, or UTF-16, or what they wrote thirty years ago. */
function decode(bytes: ArrayBuffer): string {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
