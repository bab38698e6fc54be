import * as lw from 'lstm-wasm';
import { layers, sequential, model, input, modelFromJSON } from 'lstm-wasm';
import { test, expect } from 'vitest';
import { tf } from './tfjs/agree.ts';
test('x', async () => {
  const inner = sequential({ name: 'inner', layers: [layers.dense({ units: 3, name: 'd1', inputShape: [2] }), layers.dense({ units: 2, name: 'd2' })] });
  const outer = sequential({ name: 'outer' });
  try { outer.add(inner); outer.add(layers.dense({ units: 1 }));
  console.log(JSON.stringify(outer.toJSON(null, false)));
  console.log(outer.getWeights().length);
  } catch (e) { console.log(String(e)); }
  const x = input({ shape: [2], name: 'a' });
  const f = model({ inputs: x, outputs: inner.apply(inner.apply(x)), name: 'f' });
  console.log(JSON.stringify(f.toJSON(null, false)));
  // same with tf
  const ti = tf.sequential({ name: 'inner', layers: [tf.layers.dense({ units: 3, name: 'd1', inputShape: [2] }), tf.layers.dense({ units: 2, name: 'd2' })] });
  const tx = tf.input({ shape: [2], name: 'a' });
  const tff = tf.model({ inputs: tx, outputs: ti.apply(ti.apply(tx)), name: 'f' });
  console.log(JSON.stringify(tff.toJSON(null, false)));
  console.log(tff.weights.map((w: any) => w.originalName), tff.weights.map((w: any) => w.name));
  const to = tf.sequential({ layers: [ti, tf.layers.dense({ units: 1, name: 'last' })] });
  console.log(JSON.stringify(to.toJSON(null, false)));
  console.log(to.weights.map((w: any) => w.originalName));
  const again = await tf.models.modelFromJSON(tff.toJSON(null, false));
  console.log(again.layers.map((l: any) => [l.name, l.getClassName(), l.inboundNodes.length]));
});
