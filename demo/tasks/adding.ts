import { type Tensor, tensor } from 'lstm-wasm';

/** Rows of random numbers, two of which are marked, one in each half. The target is their sum. */
export function* batches({
  batch,
  timeSteps,
  seed,
}: {
  batch: number;
  timeSteps: number;
  seed: number;
}): Generator<{ xs: Tensor; ys: Tensor }, never, void> {
  const random = mulberry32(seed);
  const half = timeSteps >> 1;
  while (true) {
    const xs = new Float32Array(batch * timeSteps * 2);
    const ys = new Float32Array(batch);
    for (let b = 0; b < batch; b++) {
      for (let t = 0; t < timeSteps; t++) xs[(b * timeSteps + t) * 2] = random();
      for (const t of [Math.floor(random() * half), half + Math.floor(random() * (timeSteps - half))]) {
        xs[(b * timeSteps + t) * 2 + 1] = 1;
        ys[b]! += xs[(b * timeSteps + t) * 2]!;
      }
    }
    yield { xs: tensor(xs, [batch, timeSteps, 2]) as Tensor, ys: tensor(ys, [batch, 1]) as Tensor };
  }
}

function mulberry32(seed: number) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}
