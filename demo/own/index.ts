/** What readers bring themselves: stand-ins. */

import { type Tensor, tensor } from 'lstm-wasm';
import type { Task } from '../tasks/task.ts';

type Own = (place: HTMLElement, changed: (packed: string) => void) => { show(packed: string): void };

export const drawPad: Own = place => {
  place.textContent = 'A pad to draw on.';
  return { show() {} };
};
export const csvInput: Own = place => {
  place.textContent = 'A place for a table.';
  return { show() {} };
};

const own = {
  about: 'At every point the network says the next one.',
  inputs: 1,
  outputs: 1,
  everyStep: true,
  continues: true,
  learned: 0.001,
  source: '',
  *batches({ batch, timeSteps }) {
    for (let start = 0; ; start += timeSteps) {
      const at = (n: number) => tensor(Float32Array.from({ length: batch * timeSteps }, (_, i) => ((n + i) % 64) / 64));
      yield {
        xs: at(start).reshape([batch, timeSteps, 1]) as Tensor,
        ys: at(start + 1).reshape([batch, timeSteps, 1]) as Tensor,
      };
    }
  },
} satisfies Omit<Task, 'title'>;
export const drawn: Task = { ...own, title: 'Your own curve' };
export const csv: Task = { ...own, title: 'Your own numbers' };
