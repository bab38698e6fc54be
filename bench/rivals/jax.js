/**
 * jax-js as WebAssembly on one thread (its threads need a global Worker, which Node does not have). It has no layers, so the
 * equations are written with its arrays, with all steps unrolled, and compiled by `jit` with gradients and optimizer.
 *
 * Its arrays count references: a function consumes its arguments, and `.ref` adds a reference.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { load } from './rival.js';

/** @typedef {import('./rival.js').Rival} Rival */

/** @returns {Promise<Rival>} */
export async function jax() {
  const jax = await load('@jax-js/jax');
  const { numpy: np, nn } = jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const entry = createRequire(import.meta.url).resolve('@jax-js/jax');
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8'));

  return {
    name: 'jax-js',
    version: `jax-js ${version}, backend wasm, 1 thread`,
    checkedWith: 'sgd',
    compiles: true,
    limitation: (_, kind) => (kind === 'create' ? 'it has no initializers' : ''),

    async build({ workload, weights, data, optimizer, learningRate }) {
      const { units, batch, timeSteps, inputs, outputs, stateful } = workload;
      const shapes = units.flatMap((U, n) => [[units[n - 1] ?? inputs, 4 * U], [U, 4 * U], [4 * U]]);
      shapes.push([units.at(-1) ?? 0, outputs], [outputs]);
      let parameters = weights.map((values, n) => np.array(values).reshape(shapes[n]));
      let moments = [parameters.map(p => np.zeros(p.shape)), parameters.map(p => np.zeros(p.shape))];
      /** h and c of each layer, alternating. */
      let state = units.flatMap(U => [np.zeros([batch, U]), np.zeros([batch, U])]);
      let steps = 0;
      // One array per step, so that slicing is not timed.
      const rows = rowsOf(np, data.x, batch, timeSteps, inputs);
      const targets = rowsOf(np, data.y, batch, timeSteps, outputs);

      /** @type {(parameters: any[], state: any[], rows: any[]) => { results: any[], state: any[] }} */
      const forward = (parameters, state, rows) => {
        /** @type {any[]} */
        const next = [];
        let sequence = rows;
        for (let n = 0; n < units.length; n++) {
          const [kernel, recurrent, bias] = parameters.slice(3 * n);
          let [h, c] = state.slice(2 * n);
          sequence = sequence.map(row => {
            const z = np.dot(row, kernel.ref).add(np.dot(h, recurrent.ref)).add(bias.ref);
            const [zi, zf, zg, zo] = np.split(z, 4, 1);
            c = nn
              .sigmoid(zf)
              .mul(c)
              .add(nn.sigmoid(zi).mul(np.tanh(zg)));
            h = nn.sigmoid(zo).mul(np.tanh(c.ref));
            return h.ref;
          });
          next.push(h, c);
        }
        const [kernel, bias] = parameters.slice(-2);
        const results = sequence.map(row => np.dot(row, kernel.ref).add(bias.ref));
        for (const used of parameters) used.dispose();
        return { results, state: next };
      };
      /** @type {(parameters: any[], state: any[], rows: any[], targets: any[]) => [any, any[]]} */
      const loss = (parameters, state, rows, targets) => {
        const { results, state: next } = forward(parameters, state, rows);
        const errors = results.map((result, t) => np.square(result.sub(targets[t])).sum());
        return [errors.reduce((a, b) => a.add(b)).mul(1 / data.y.length), next];
      };
      const gradients = jax.valueAndGrad(loss, { hasAux: true });

      const predictAll = jax.jit(
        (/** @type {any[]} */ parameters, /** @type {any[]} */ state, /** @type {any[]} */ rows) => {
          const { results, state: next } = forward(parameters, state, rows);
          return [np.stack(results, 1), next];
        },
      );
      const trainAll = jax.jit(
        (
          /** @type {any[]} */ parameters,
          /** @type {any[][]} */ [m = [], v = []],
          /** @type {any} */ rate,
          /** @type {any[]} */ state,
          /** @type {any[]} */ rows,
          /** @type {any[]} */ targets,
        ) => {
          const [[value, next], grads] = gradients(
            parameters.map(p => p.ref),
            state,
            rows,
            targets,
          );
          if (optimizer === 'sgd') {
            const updated = parameters.map((p, n) => p.sub(grads[n].mul(rate.ref)));
            rate.dispose();
            return [value, next, updated, [m, v]];
          }
          const means = m.map((mean, n) => mean.mul(0.9).add(grads[n].ref.mul(0.1)));
          const squares = v.map((square, n) => square.mul(0.999).add(np.square(grads[n]).mul(0.001)));
          const updated = parameters.map((p, n) =>
            p.sub(means[n].ref.mul(rate.ref).div(np.sqrt(squares[n].ref).add(1e-7))),
          );
          rate.dispose();
          return [value, next, updated, [means, squares]];
        },
      );

      /** @type {(arrays: any[]) => any[]} */
      const keep = arrays => arrays.map(array => array.ref);
      /** @type {(next: any[]) => void} */
      const carry = next => {
        if (stateful) {
          for (const old of state) old.dispose();
          state = next;
        } else for (const unwanted of next) unwanted.dispose();
      };
      const predict = () => {
        const [result, next] = predictAll(keep(parameters), keep(state), keep(rows));
        carry(next);
        return result.dataSync();
      };
      const train = () => {
        steps++;
        const rate =
          optimizer === 'sgd' ? learningRate : (learningRate * Math.sqrt(1 - 0.999 ** steps)) / (1 - 0.9 ** steps);
        const result = trainAll(parameters, moments, np.array([rate]), keep(state), keep(rows), keep(targets));
        const [value, next, updated, changed] = result;
        [parameters, moments] = [updated, changed];
        carry(next);
        return value.dataSync()[0];
      };
      const measure = (/** @type {() => unknown} */ run) => (/** @type {number} */ calls) => {
        const start = performance.now();
        for (let call = 0; call < calls; call++) run();
        return performance.now() - start;
      };
      return {
        outputs: () => Float32Array.from(predict()),
        train,
        measure: kind => measure(kind === 'train' ? train : predict),
        dispose() {
          for (const array of [...parameters, ...moments.flat(), ...state, ...rows, ...targets]) array.dispose();
        },
      };
    },
  };
}

/**
 * Splits [batch, steps, width] into one array [batch, width] per step.
 * @param {any} np
 * @param {Float32Array} values
 * @param {number} batch
 * @param {number} steps
 * @param {number} width
 * @returns {any[]}
 */
function rowsOf(np, values, batch, steps, width) {
  return Array.from({ length: steps }, (_, t) => {
    const rows = new Float32Array(batch * width);
    for (let b = 0; b < batch; b++) {
      const from = (b * steps + t) * width;
      rows.set(values.subarray(from, from + width), b * width);
    }
    return np.array(rows).reshape([batch, width]);
  });
}
