// Functional models that TF.js and this package can build from the same program.

import type { Library } from '../tfjs/build.ts';

/** Builds a model; all layers have names, which differ in style. */
type Build = (lib: Library) => Library;

const sigmoid = { recurrentActivation: 'sigmoid' };

export const graphs: { [name: string]: Build } = {
  'two inputs, one of which is the initial state': lib => {
    const [x, h, c] = [
      lib.input({ shape: [4, 3], name: 'seriesIn' }),
      lib.input({ shape: [2], name: 'h' }),
      lib.input({ shape: [2], name: 'c' }),
    ];
    const lstm = lib.layers.lstm({ units: 2, name: 'lstm_A', ...sigmoid });
    const y = lib.layers.dense({ units: 2, name: 'Last' }).apply(lstm.apply(x, { initialState: [h, c] }));
    return lib.model({ inputs: [h, x, c], outputs: y, name: 'states' });
  },

  'two outputs at different depths': lib => {
    const x = lib.input({ shape: [4, 3], name: 'x' });
    const steps = lib.layers.lstm({ units: 3, name: 'first', returnSequences: true, ...sigmoid }).apply(x);
    const last = lib.layers.lstm({ units: 2, name: 'second', ...sigmoid }).apply(steps);
    const wide = lib.layers.dense({ units: 4, name: 'wide', activation: 'tanh' }).apply(last);
    const short = lib.layers.dense({ units: 1, name: 'short' }).apply(last);
    return lib.model({
      inputs: x,
      outputs: [short, lib.layers.dense({ units: 2, name: 'long' }).apply(wide)],
      name: 'two',
    });
  },

  'a layer that is shared by two inputs': lib => {
    const [a, b] = [lib.input({ shape: [4, 3], name: 'a' }), lib.input({ shape: [4, 3], name: 'b' })];
    const tower = lib.layers.lstm({ units: 2, name: 'tower', ...sigmoid });
    const head = lib.layers.dense({ units: 1, name: 'head' });
    const other = lib.layers.dense({ units: 3, name: 'other' });
    return lib.model({
      inputs: [a, b],
      outputs: [head.apply(tower.apply(a)), other.apply(tower.apply(b))],
      name: 'twins',
    });
  },

  'a layer that is called on its own output': lib => {
    const x = lib.input({ shape: [3], name: 'x' });
    const dense = lib.layers.dense({ units: 3, name: 'again', activation: 'tanh' });
    return lib.model({ inputs: x, outputs: dense.apply(dense.apply(dense.apply(x))), name: 'thrice' });
  },

  'nested sequential and functional models, one of them shared': lib => {
    const inner = lib.sequential({
      name: 'innerStack',
      layers: [
        lib.layers.dense({ units: 4, name: 'inner1', inputShape: [3], activation: 'tanh' }),
        lib.layers.dense({ units: 3, name: 'inner2' }),
      ],
    });
    const p = lib.input({ shape: [3], name: 'p' });
    const q = lib.layers.dense({ units: 2, name: 'q', activation: 'tanh' }).apply(p);
    const fork = lib.model({
      inputs: p,
      outputs: [lib.layers.dense({ units: 1, name: 'r' }).apply(q), lib.layers.dense({ units: 2, name: 's' }).apply(q)],
      name: 'fork',
    });
    const [a, b] = [lib.input({ shape: [3], name: 'a' }), lib.input({ shape: [3], name: 'b' })];
    const [r, s] = fork.apply(inner.apply(inner.apply(a)));
    const last = lib.layers.dense({ units: 2, name: 'last' });
    return lib.model({ inputs: [a, b], outputs: [s, last.apply(inner.apply(b)), r], name: 'outer' });
  },

  'a functional model within a sequential model': lib => {
    const p = lib.input({ shape: [3], name: 'p' });
    const dense = lib.layers.dense({ units: 3, name: 'twice', activation: 'tanh' });
    const inner = lib.model({ inputs: p, outputs: dense.apply(dense.apply(p)), name: 'inner' });
    return lib.sequential({ name: 'stack', layers: [inner, lib.layers.dense({ units: 2, name: 'last' })] });
  },

  'an encoder and a decoder': lib => {
    const [source, target] = [
      lib.input({ shape: [4, 3], name: 'source' }),
      lib.input({ shape: [5, 2], name: 'target' }),
    ];
    const [, h, c] = lib.layers.lstm({ units: 2, name: 'encoder', returnState: true, ...sigmoid }).apply(source);
    const decoder = lib.layers.lstm({ units: 2, name: 'decoder', returnSequences: true, ...sigmoid });
    const steps = decoder.apply(target, { initialState: [h, c] });
    const y = lib.layers
      .timeDistributed({ layer: lib.layers.dense({ units: 1, name: 'each' }), name: 'steps' })
      .apply(steps);
    return lib.model({ inputs: [source, target], outputs: y, name: 'translate' });
  },
};

/** Layers that merge their inputs. */
Object.assign(graphs, {
  'branches that are merged': (lib: Library): Library => {
    const [x, day] = [lib.input({ shape: [4, 3], name: 'x' }), lib.input({ shape: [2], name: 'day' })];
    const both = lib.layers.bidirectional({
      layer: lib.layers.lstm({ units: 2, name: 'half', ...sigmoid }),
      mergeMode: 'concat',
      name: 'both',
    });
    const wide = lib.layers.concatenate({ name: 'wide' }).apply([both.apply(x), day]);
    const [left, right] = ['left', 'right'].map(name =>
      lib.layers.dense({ units: 2, name, activation: 'tanh' }).apply(wide),
    );
    const sum = lib.layers.add({ name: 'sum' }).apply([left, right, day]);
    const product = lib.layers.multiply({ name: 'product' }).apply([sum, left]);
    const similarity = lib.layers.dot({ axes: 1, name: 'similarity' }).apply([product, right]);
    return lib.model({
      inputs: [x, day],
      outputs: [similarity, lib.layers.average({ name: 'mean' }).apply([sum, right])],
    });
  },
} satisfies Record<string, Build>);

/** Graphs that TF.js saves with the calls of a layer in an order in which it does not load them. */
export const outOfOrder: Build = lib => {
  const x = lib.input({ shape: [3], name: 'x' });
  const [shared, deep] = ['shared', 'deep'].map(name => lib.layers.dense({ units: 3, name, activation: 'tanh' }));
  const far = shared.apply(deep.apply(lib.layers.dense({ units: 3, name: 'deeper' }).apply(x)));
  const near = shared.apply(x);
  const [p, q] = ['p', 'q'].map(name => lib.layers.dense({ units: 2, name }));
  return lib.model({
    inputs: x,
    outputs: [p.apply(far), q.apply(lib.layers.dense({ units: 4, name: 'z' }).apply(near))],
  });
};

/** A random graph of dense layers and sums, some of which are called several times. */
export function randomGraph(lib: Library, random: { next(): number }): Library {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)]!;
  const inputs = ['a', 'b'].map(name => lib.input({ shape: [3], name }));
  const made: Library[] = [...inputs];
  const layers: Library[] = [];
  const unread = new Set<Library>(inputs);
  // TF.js frees a tensor too early that one layer reads twice
  const read = (but?: Library) => {
    const tensor = pick(made.filter(each => each !== but));
    unread.delete(tensor);
    return tensor;
  };
  for (let n = 0; n < 12; n++) {
    const kind = random.next();
    const isShared = kind < 0.3 && layers.length > 0;
    let tensor: Library;
    if (kind > 0.7) {
      const first = read();
      tensor = lib.layers.add({ name: `sum${n}` }).apply([first, read(first)]);
    } else {
      const layer = isShared ? pick(layers) : lib.layers.dense({ units: 3, name: `dense${n}`, activation: 'tanh' });
      if (!isShared) layers.push(layer);
      tensor = layer.apply(read());
    }
    made.push(tensor);
    unread.add(tensor);
  }
  const outputs = [...unread].filter(tensor => !inputs.includes(tensor));
  const rest = inputs.filter(tensor => unread.has(tensor));
  // Every input must lead to an output
  const last = rest.map((tensor, n) => lib.layers.dense({ units: 2, name: `last${n}` }).apply(tensor));
  return lib.model({ inputs, outputs: [...outputs, ...last], name: 'random' });
}
