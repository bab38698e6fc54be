/** A file that is chosen or dropped, or text that is pasted. */

import { element } from '../element.ts';
import { textOf } from './table.ts';

/** @param take called with the text of a table, and where it is from */
export function fileInput(take: (text: string, from: string) => void, refuse: (message: string) => void): HTMLElement {
  const file = element('input', {
    type: 'file',
    accept: '.csv,.tsv,.txt,text/csv,text/plain',
    className: 'forecast-file',
  });
  const paste = element('textarea', { rows: 2, spellcheck: false, placeholder: 'date;sales\n2024-01-31;12,5' });
  paste.autocomplete = 'off';
  const node = element(
    'div',
    { className: 'forecast-input' },
    element(
      'div',
      { className: 'forecast-drop' },
      element('label', { className: 'forecast-button' }, 'Choose a CSV file', file),
      element('span', {}, 'or drop it here. It needs a header; a column of dates is optional.'),
    ),
    element('label', { className: 'forecast-paste' }, 'Or paste rows of a table, with a header', paste),
  );

  async function read(given: File | undefined): Promise<void> {
    if (!given) return;
    try {
      take(await textOf(given), `${given.name}:`);
    } catch (error) {
      refuse((error as Error).message);
    }
  }

  file.addEventListener('change', () => {
    void read(file.files?.[0]);
    file.value = ''; // so that the same file can be chosen again after a change
  });
  let waiting = 0;
  paste.addEventListener('input', () => {
    clearTimeout(waiting);
    if (paste.value.trim() !== '') waiting = window.setTimeout(() => take(paste.value, 'Pasted:'), 250);
  });
  // Otherwise a file that is dropped beside the box replaces the page.
  for (const type of ['dragenter', 'dragover', 'dragleave', 'drop'] as const) {
    node.addEventListener(type, event => {
      event.preventDefault();
      node.classList.toggle('forecast-over', type === 'dragenter' || type === 'dragover');
    });
  }
  node.addEventListener('drop', event => {
    const { files } = event.dataTransfer!;
    const text = event.dataTransfer!.getData('text/plain');
    if (files.length > 0) void read(files[0]);
    else if (text) take(text, 'Dropped:');
  });
  return node;
}
