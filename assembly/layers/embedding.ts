/** Embedding: each number of a sample names a row of a table of weights. */

/** A planned embedding, written by the facade; offsets and strides in bytes, i32 each. */
@unmanaged
export class EmbeddingPlan {
  rows: i32; // B
  steps: i32; // T
  inputs: i32; // V rows of the table
  units: i32; // N
  x: usize; // [B, T]: whole numbers from 0 to V - 1, which the facade has checked; rows xRow apart
  xRow: usize;
  y: usize; // [T, B, padded N]
  yRow: usize;
  yStep: usize;
  w: usize; // [V, padded N]
  dw: usize; // like w: gradients are added to it
  dy: usize; // [T, B, padded N]: gradient of y, its padding zero
  dyRow: usize;
  dyStep: usize;
  mask: usize; // [T, B]: 0 where x is 0, else 1; steps maskStep apart; 0 for none
  maskStep: usize;
}

export function embeddingForward(plan: EmbeddingPlan): void {
  const width = (<usize>plan.units * 4 + 15) & ~15;
  for (let t: usize = 0; t < <usize>plan.steps; t++) {
    for (let b: usize = 0; b < <usize>plan.rows; b++) {
      const id = idAt(plan, t, b);
      copy(plan.y + t * plan.yStep + b * plan.yRow, plan.w + id * width, width);
      if (plan.mask) store<f32>(plan.mask + t * plan.maskStep + 4 * b, id == 0 ? 0 : 1);
    }
  }
}

/** Adds the gradient of y to the rows it came from, step by step and sample by sample: always in the same order. */
export function embeddingBackward(plan: EmbeddingPlan): void {
  const width = (<usize>plan.units * 4 + 15) & ~15;
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

/**
 * Moves weights between w and the matrix of Keras, embeddings [V, N].
 *
 * @param inward 1: from the matrix into w, whose padding becomes zero; 0: from w into the matrix
 */
export function embeddingWeights(w: usize, embeddings: usize, inputs: i32, units: i32, inward: i32): void {
  const bytes = <usize>units * 4;
  const width = (bytes + 15) & ~15;
  if (inward) memory.fill(w, 0, <usize>inputs * width);
  for (let v = 0; v < inputs; v++, w += width, embeddings += bytes) {
    memory.copy(inward ? w : embeddings, inward ? embeddings : w, bytes);
  }
}
