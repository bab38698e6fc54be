/** The texts of the section, each beside its picture. */

import { farMarkup } from './farBack.ts';
import type { Subject } from './pictures.ts';

/** What does not depend on the cell. */
export const frame = `
  <div class="understand-lesson">
  <p>
    Two small networks train on the task from above: a plain RNN, and one with gates. Choose a unit and a time step to see
    its numbers in every picture. Each sequence starts with states of zero, and the pictures always show the same sequence.
  </p>
  <div class="understand-bar" role="group" aria-label="Training, unit and time step">
    <div class="understand-buttons">
      <button type="button" class="primary" data-control="train">Train both networks</button>
      <button type="button" data-control="play">Play time steps</button>
    </div>
    <div class="understand-slider">
      <label for="understand-unit">Unit</label><output for="understand-unit" aria-live="off">0</output>
      <input id="understand-unit" type="range" min="0" max="19" value="0" autocomplete="off" />
    </div>
    <div class="understand-slider">
      <label for="understand-step">Time step</label><output for="understand-step" aria-live="off">0</output>
      <input id="understand-step" type="range" min="0" max="19" value="0" autocomplete="off" />
    </div>
  </div>
  <div class="understand-state">
    <p data-text="status" role="status">Waiting to come into view.</p>
    <p data-text="progress"></p>
  </div>

  <div class="understand-pair">
    <div class="understand-words">
      <h3>One cell, repeated over time</h3>
      <p>
        A recurrent network reads a sequence one value at a time. At every time step, the same cell gets the new value x
        from below, and its own output of the previous step, h, from the left. Unrolled over time, this loop is a chain. The
        open cell is at your time step t, between the steps before and after it.
      </p>
      <h3>Why a plain RNN forgets</h3>
      <p>
        A plain cell is a single layer: it multiplies h and x by matrices, adds them, and applies tanh. The result replaces
        h. Every value passes through this matrix at every step, and so does the gradient on its way back. Multiplied by
        similar factors many times, it vanishes or explodes.
      </p>
    </div>
    <div class="understand-picture understand-diagram" data-picture="plain-chain" tabindex="0" role="group" aria-label="Plain RNN over time"></div>
  </div>

  <div class="understand-pair">
    <div class="understand-words" data-text="line"></div>
    <div class="understand-picture understand-diagram" data-picture="gated-chain" tabindex="0" role="group" aria-label="Gated network over time"></div>
  </div>

  <div>
    <h3>The computation in a cell</h3>
    <p>
      A yellow box is a layer with weights, a pink circle an operation on each number. Lines that meet are concatenated; a
      line that forks is copied. The numbers are those of <strong data-text="chosen">unit 0 at time step 0</strong>, where
      <span data-text="input">x is 0</span>.
    </p>
  </div>
  <div class="understand-cells">
    <figure>
      <div class="understand-picture understand-diagram" data-picture="plain-cell" tabindex="0" role="group" aria-label="Plain cell"></div>
      <figcaption>
        In the plain cell, h changes from <data data-number="plain.previousH"></data> to
        <data data-number="plain.h"></data>. Each step replaces it.
      </figcaption>
    </figure>
    <figure>
      <div class="understand-picture understand-diagram" data-picture="gated-cell" tabindex="0" role="group" aria-label="Gated cell"></div>
      <figcaption data-text="flow"></figcaption>
    </figure>
  </div>
  <div class="understand-cards" data-text="cards"></div>

  <div class="understand-pair">
    <div class="understand-words">
      <h3>All units, all time steps</h3>
      <p data-text="heat"></p>
      <p>Your choice has a frame; click on a field to choose it. Before training, the colours are even.</p>
    </div>
    <div class="understand-picture" data-picture="heat"></div>
  </div>

  </div>
  <div class="understand-pair" data-part="far-back">${farMarkup}</div>
`;

const number = (name: string) => `<data data-number="${name}"></data>`;

interface Card {
  title: string;
  /** With live numbers. */
  sum: string;
  text: string;
}

interface Story {
  line: string;
  flow: string;
  cards: readonly Card[];
  heat: string;
}

/** What depends on the cell. The order of the gates is that of the weights in Keras. */
const stories: Record<Subject['kind'], Story> = {
  lstm: {
    line: `
      <h3>The cell state of an LSTM</h3>
      <p>
        From outside, an LSTM looks the same: x from below, h above. Inside, a second line runs along the top, the cell state
        c. From step to step, each of its numbers is multiplied by a gate, and a number is added. There is no matrix and no
        tanh in between.
      </p>
      <p>
        So a value can stay in c for many steps, and a gradient can pass back as far. Gates, which the network learns,
        control what is kept, added and read.
      </p>`,
    flow: `
      In the LSTM, the cell state c changes from ${number('gated.previousC')} to ${number('gated.c')} along the top, and h
      from ${number('gated.previousH')} to ${number('gated.h')} below.`,
    cards: [
      {
        title: 'Input gate <i>i</i>',
        sum: `<i>i</i> = ${number('gated.i')}`,
        text: 'The share of the candidate that is added to the cell state, from 0 to 1. Close to 0, the step leaves no trace.',
      },
      {
        title: 'Forget gate <i>f</i>',
        sum: `<i>f</i> × <i>c</i><sub>t−1</sub> = ${number('gated.f')} × ${number('gated.previousC')} = ${number('sum.kept')}`,
        text: 'The share of the old cell state that is kept, from 0 to 1. A unit that remembers holds it close to 1.',
      },
      {
        title: 'Candidate <i>g</i>',
        sum: `<i>i</i> × <i>g</i> = ${number('gated.i')} × ${number('gated.g')} = ${number('sum.added')}`,
        text: 'The new value of this step, from −1 to 1. Keras calls it c. Multiplied by the input gate, it is added to c.',
      },
      {
        title: 'Output gate <i>o</i>',
        sum: `<i>h</i> = <i>o</i> × tanh <i>c</i> = ${number('gated.o')} × ${number('sum.squashed')} = ${number('gated.h')}`,
        text: 'The share of the cell state in the output h. With the gate closed, a unit stores a value without showing it.',
      },
      {
        title: 'Cell state <i>c</i>',
        sum: `<i>c</i> = ${number('sum.kept')} + ${number('sum.added')} = ${number('gated.c')}`,
        text: 'What was kept plus what was added: the memory of the unit.',
      },
    ],
    heat: `
      Each field is one unit at one time step. In the forget gate, look for units that stay near 1: they keep what they
      have, as the cell state below shows. Units that change with the input follow it.`,
  },
  gru: {
    line: `
      <h3>The state of a GRU</h3>
      <p>
        A GRU has no separate cell state; the line at the top is h itself. At each step, h is a weighted mean of its old
        value and a new one. There is no matrix and no tanh in between.
      </p>
      <p>
        So a value can stay in h for many steps, and a gradient can pass back as far. A gate, which the network learns,
        sets the weight for each unit.
      </p>`,
    flow: `
      In the GRU, h changes from ${number('gated.previousH')} to ${number('gated.h')} along the top. The update gate sets
      how much of the old value is kept.`,
    cards: [
      {
        title: 'Update gate <i>z</i>',
        sum: `<i>z</i> × <i>h</i><sub>t−1</sub> = ${number('gated.z')} × ${number('gated.previousH')} = ${number('sum.kept')}`,
        text: 'The share of the old h that is kept, from 0 to 1. A unit that remembers holds it close to 1.',
      },
      {
        title: 'Reset gate <i>r</i>',
        sum: `<i>r</i> = ${number('gated.r')}`,
        text: 'The share of the old h that the candidate uses. Close to 0, it ignores the past.',
      },
      {
        title: 'Candidate <i>n</i>',
        sum: `(1 − <i>z</i>) × <i>n</i> = ${number('sum.open')} × ${number('gated.n')} = ${number('sum.added')}`,
        text: 'The new value of this step, from −1 to 1: what h would be if nothing were kept.',
      },
      {
        title: 'Output <i>h</i>',
        sum: `<i>h</i> = ${number('sum.kept')} + ${number('sum.added')} = ${number('gated.h')}`,
        text: 'What was kept plus what is new. It is both the memory of the unit and its output.',
      },
    ],
    heat: `
      Each field is one unit at one time step. In the update gate, look for units that stay near 1: they keep what they
      have, as the output shows. Units that change with the input follow it.`,
  },
};

const cardOf = ({ title, sum, text }: Card) => `
  <section><h4>${title}</h4><p class="understand-sum">${sum}</p><p>${text}</p></section>`;

/** The parts of `frame` that depend on the cell, by their names in it. */
export function storyOf(kind: Subject['kind']): Record<string, string> {
  const { line, flow, cards, heat } = stories[kind];
  return { line, flow, heat, cards: cards.map(cardOf).join('') };
}
