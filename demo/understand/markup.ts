/** The words of the section, each beside the picture that it is about. */

import type { Subject } from './pictures.ts';

/** What stays, whatever the networks are. */
export const frame = `
  <p>
    Two small networks learn the task from above, side by side: a plain recurrent one, and one whose cells have gates.
    All else is the same. Choose a unit and a time step, and follow its numbers through every picture. A sequence
    begins here with an empty memory, and it is always the same one, so what changes is the network.
  </p>
  <div class="understand-bar" role="group" aria-label="Training, unit and time step">
    <div class="understand-buttons">
      <button type="button" class="primary" data-control="train">Train both</button>
      <button type="button" data-control="play">Play steps</button>
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
      <h3>One cell, again and again</h3>
      <p>
        A recurrent network takes in a sequence one value at a time. At every time step the same cell gets the new
        value x, from below, and what it said itself one step earlier, h, from the left. Drawn out over time, this loop
        is a chain. The open cell stands at your time step t, between the one before and the one after.
      </p>
      <h3>Why the plain one forgets</h3>
      <p>
        A plain cell is a single layer. It mixes all of h with the new value, squeezes the result through tanh, and
        that is the new h. Nothing can be put aside: what is to last must get through this mixing at every step. So
        must the error on its way back when the network learns, and a number that is multiplied by much the same
        factor again and again soon vanishes or explodes.
      </p>
    </div>
    <div class="understand-picture understand-diagram" data-picture="plain-chain"></div>
  </div>

  <div class="understand-pair">
    <div class="understand-words" data-text="line"></div>
    <div class="understand-picture understand-diagram" data-picture="gated-chain"></div>
  </div>

  <div>
    <h3>Inside the cell</h3>
    <p>
      A yellow box is a layer with weights of its own, a pink circle works number by number; lines that meet are put
      side by side, lines that part carry the same. The numbers are those of
      <strong data-text="chosen">unit 0 at time step 0</strong>, where <span data-text="input">x is 0</span>.
    </p>
  </div>
  <div class="understand-cells">
    <figure>
      <div class="understand-picture understand-diagram" data-picture="plain-cell"></div>
      <figcaption>
        In the plain cell h goes from <data data-number="plain.previousH"></data> to
        <data data-number="plain.h"></data>. It is written anew at every step; nothing in the cell could decide to keep
        it.
      </figcaption>
    </figure>
    <figure>
      <div class="understand-picture understand-diagram" data-picture="gated-cell"></div>
      <figcaption data-text="flow"></figcaption>
    </figure>
  </div>
  <div class="understand-cards" data-text="cards"></div>

  <div class="understand-pair">
    <div class="understand-words">
      <h3>All units, all time steps</h3>
      <p data-text="heat"></p>
      <p>
        Your choice is framed; a click on a field chooses that one. Fresh weights give even colours. While the networks
        train, units take up roles of their own.
      </p>
    </div>
    <div class="understand-picture" data-picture="heat"></div>
  </div>

  <div class="understand-pair">
    <div class="understand-words">
      <h3>How far back the gradient reaches</h3>
      <p>
        To learn from what was long ago, a network has to know how a small change there would have changed its last
        answer. That is the gradient. The chart shows its size at each time step, as a share of what it is at the last
        one. Where a curve has sunk to a thousandth, there is next to nothing to learn from.
      </p>
      <p class="understand-verdict" data-text="verdict"></p>
      <p data-text="caution"></p>
      <p>
        The longer a task has to be remembered, the plainer the difference. Choose the adding problem with 50 time steps
        above, and give it a thousand training steps.
      </p>
    </div>
    <figure class="understand-reach">
      <ul class="understand-legend" aria-label="Lines of the chart">
        <li><span class="understand-key understand-key-plain"></span>plain RNN, in h</li>
        <li><span class="understand-key understand-key-gated"></span><span data-text="gated-line">LSTM, in h</span></li>
        <li data-text="cell-line"><span class="understand-key understand-key-cell"></span>LSTM, in c</li>
      </ul>
      <div class="understand-picture" data-picture="reach"></div>
    </figure>
  </div>
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
  caution: string;
}

/** What depends on the cell. */
const stories: Record<Subject['kind'], Story> = {
  lstm: {
    line: `
      <h3>A conveyor belt on top</h3>
      <p>
        Seen from outside, an LSTM does the same: x from below, h above. But inside, a second line runs along the top,
        the cell state c. On its way from step to step it is scaled by one number for each unit, and one is added. No
        matrix and no squeezing lie in between.
      </p>
      <p>
        What is put on this belt can ride along for many steps. In the same way an error can ride back. How long
        something stays, and what gets on and off, is up to gates, which the network learns to work.
      </p>`,
    flow: `
      In the LSTM the cell state c goes from ${number('gated.previousC')} to ${number('gated.c')} along the top, and h
      from ${number('gated.previousH')} to ${number('gated.h')} below. Each gate opens and closes on its own.`,
    cards: [
      {
        title: 'Forget gate <i>f</i>',
        sum: `<i>f</i> × <i>c</i><sub>t−1</sub> = ${number('gated.f')} × ${number('gated.previousC')} = ${number('sum.kept')}`,
        text: 'The share of the old cell state that stays, between 0 and 1. A unit that remembers holds it close to 1, step after step. Where it drops to 0, the past is wiped out.',
      },
      {
        title: 'Input gate <i>i</i>',
        sum: `<i>i</i> × <i>g</i> = ${number('gated.i')} × ${number('gated.g')} = ${number('sum.added')}`,
        text: 'How much of what is new gets onto the belt. Close to 0, a step passes without a trace, however loud it was.',
      },
      {
        title: 'Candidate <i>g</i>',
        sum: `<i>c</i> = ${number('sum.kept')} + ${number('sum.added')} = ${number('gated.c')}`,
        text: 'What this step would write, between −1 and 1. With the input gate applied, it is added to what was kept, and that is the new cell state.',
      },
      {
        title: 'Output gate <i>o</i>',
        sum: `<i>h</i> = <i>o</i> × tanh <i>c</i> = ${number('gated.o')} × ${number('sum.squashed')} = ${number('gated.h')}`,
        text: 'How much of the state is shown, to the answer and to the next step. With the gate shut, a unit can keep something to itself until it is needed.',
      },
    ],
    heat: `
      Each field is one unit at one time step. In the forget gate, look for rows that stay near 1 from end to end: those
      units hold on to what they have. Then find the same rows in the cell state. Rows that change with the input follow
      what is going on.`,
    caution: `
      A fresh plain network is not bad at this: its matrix begins as a rotation, which keeps lengths. A fresh LSTM keeps
      about 73 % of its cell state in each step, because its forget gates begin that far open. What counts is what
      becomes of them in training.`,
  },
  gru: {
    line: `
      <h3>A line that is only blended</h3>
      <p>
        A GRU has no cell state beside h; the line at the top is h itself. From step to step it is not written anew, but
        blended: a share of the old stays, and the rest comes from the new. No matrix and no squeezing lie in between.
      </p>
      <p>
        What is on this line can ride along for many steps, and an error can ride back. How large the share is, a gate
        decides for each unit, and the network learns to work it.
      </p>`,
    flow: `
      In the GRU h goes from ${number('gated.previousH')} to ${number('gated.h')} along the top. The update gate says how
      much of the way it takes.`,
    cards: [
      {
        title: 'Reset gate <i>r</i>',
        sum: `<i>r</i> = ${number('gated.r')}`,
        text: 'How much of the past the candidate gets to see, between 0 and 1. Close to 0, the candidate is made as if the sequence began here.',
      },
      {
        title: 'Candidate <i>n</i>',
        sum: `(1 − <i>z</i>) × <i>n</i> = ${number('sum.open')} × ${number('gated.n')} = ${number('sum.added')}`,
        text: 'What is new, between −1 and 1: what h would become if nothing of the old were kept.',
      },
      {
        title: 'Update gate <i>z</i>',
        sum: `<i>z</i> × <i>h</i><sub>t−1</sub> = ${number('gated.z')} × ${number('gated.previousH')} = ${number('sum.kept')}`,
        text: 'The share of the old that stays. A unit that remembers holds it close to 1, step after step.',
      },
      {
        title: 'Output <i>h</i>',
        sum: `<i>h</i> = ${number('sum.kept')} + ${number('sum.added')} = ${number('gated.h')}`,
        text: 'What was kept and what is new, added up. It is both the memory and what the next layer sees: a GRU cannot hide anything, as an LSTM can.',
      },
    ],
    heat: `
      Each field is one unit at one time step. In the update gate, look for rows that stay near 1 from end to end: those
      units hold on to what they have. Then find the same rows in the output. Rows that change with the input follow what
      is going on.`,
    caution: `
      A fresh plain network is not bad at this: its matrix begins as a rotation, which keeps lengths. A fresh GRU keeps
      about half of its state in each step, because its update gates begin half open. What counts is what becomes of
      them in training.`,
  },
};

const cardOf = ({ title, sum, text }: Card) => `
  <section><h4>${title}</h4><p class="understand-sum">${sum}</p><p>${text}</p></section>`;

/** The parts of `frame` that tell of one cell, by the names they have in it. */
export function storyOf(kind: Subject['kind']): Record<string, string> {
  const { line, flow, cards, heat, caution } = stories[kind];
  return { line, flow, heat, caution, cards: cards.map(cardOf).join('') };
}
