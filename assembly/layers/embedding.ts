/** Embedding: each id of a sample selects a row of a table of weights. */

import { pack, unpack } from '../memory/copy';
import { padded } from '../products/matmul';

/** A planned embedding, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class EmbeddingPlan {
  rows: i32; // B
  steps: i32; // T
  inputs: i32; // V rows of the table
  units: i32; // N
  x: usize; // [B, T]: integers from 0 to V - 1, checked by src/; rows xRow apart
  xRow: usize;
  y: usize; // [T, B, padded N]
  yRow: usize;
  yStep: usize;
  w: usize; // [V, padded N]
  dw: usize; // like w: gradients are added to it
  dy: usize; // [T, B, padded N]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  mask: usize; // [T, B]: 0 where x is 0, else 1; steps maskStep apart; 0 without a mask
  maskStep: usize;
}

export function embeddingForward(plan: EmbeddingPlan): void {
  const width = <usize>padded(plan.units) * 4;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const id = idAt(plan, t, b);
      copy(plan.y + t * plan.yStep + b * plan.yRow, plan.w + id * width, width);
      if (plan.mask) store<f32>(plan.mask + t * plan.maskStep + 4 * b, id == 0 ? 0 : 1);
    }
  }
}

/** Adds the gradient of y to the rows of dw, always in the same order: step by step, sample by sample. */
export function embeddingBackward(plan: EmbeddingPlan): void {
  const width = <usize>padded(plan.units) * 4;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const dw = plan.dw + idAt(plan, t, b) * width;
      const dy = plan.dy + t * plan.dyStep + b * plan.dyRow;
      for (let k: usize = 0; k < width; k += 16) {
        v128.store(dw + k, f32x4.add(v128.load(dw + k), v128.load(dy + k)));
      }
    }
  }
}

@inline
function idAt(plan: EmbeddingPlan, t: usize, b: usize): usize {
  const id = <usize>load<f32>(plan.x + b * plan.xRow + 4 * t);
  assert(id < <usize>plan.inputs);
  return id;
}

@inline
function copy(to: usize, from: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += 16) v128.store(to + k, v128.load(from + k));
}

/** Packs the weights of Keras, embeddings [V, N], with zeros as padding. */
export function packEmbeddingWeights(w: usize, embeddings: usize, inputs: i32, units: i32): void {
  const row = <usize>padded(units) * 4;
  memory.fill(w, 0, <usize>inputs * row);
  pack(w, row, embeddings, <usize>units * 4, inputs, units);
}

export function unpackEmbeddingWeights(w: usize, embeddings: usize, inputs: i32, units: i32): void {
  unpack(w, <usize>padded(units) * 4, embeddings, <usize>units * 4, inputs, units);
}
