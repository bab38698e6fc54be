/**
 * The plan of an attention layer.
 *
 * Letters: B batch, N heads, T queries, S keys and values, D width of a query and a key, V width of a value.
 */

/** A planned attention, written by src/plan; offsets and strides in bytes. */
@unmanaged
export class AttentionPlan {
  rows: i32; // B
  heads: i32; // N
  queries: i32; // T
  keys: i32; // S
  depth: i32; // D
  width: i32; // V
  additive: i32; // 1: sums of tanh, for one head; 0: products
  causal: i32; // 1: query i sees the keys up to i
  replacesMasked: i32; // 1: a masked score becomes the least number; 0: 1e9 is subtracted from it, as Keras does in each case
  factor: i32; // float32 bits of the constant scale
  scale: usize; // a trained scale, instead of factor; 0 for none
  dScale: usize; // its gradient, added to
  gain: usize; // additive: [padded D], or one number if gainIsScalar; 0 for ones
  dGain: usize; // its gradient, added to
  gainIsScalar: i32;
  q: usize; // [T, B, N D]
  qRow: usize;
  qStep: usize;
  k: usize; // [S, B, N D]
  kRow: usize;
  kStep: usize;
  v: usize; // [S, B, N V]
  vRow: usize;
  vStep: usize;
  y: usize; // [T, B, padded (N V)]; the padding is written as zeros
  yRow: usize;
  yStep: usize;
  dy: usize; // gradient of y; 0 for zeros
  dyRow: usize;
  dyStep: usize;
  dq: usize; // gradients of q, k and v, overwritten, padded to whole vectors; 0 for none
  dqRow: usize;
  dqStep: usize;
  dk: usize;
  dkRow: usize;
  dkStep: usize;
  dv: usize;
  dvRow: usize;
  dvStep: usize;
  qMask: usize; // [T, B], 0 for none: y is zero in masked steps or, with replacesMasked, all scores are masked
  qMaskStep: usize;
  vMask: usize; // [S, B]: masked keys and values
  vMaskStep: usize;
  kMask: usize; // [S, B], combined with vMask
  kMaskStep: usize;
  weights: usize; // softmax of the scores [B, N, T, padded S], or [BLOCK, padded S] in plans without gradients
  keeps: i32; // 1: the former
  rate: i32; // float32 bits of the dropout rate
  seed: i32;
  drop: usize; // factors of the weights [B, N, T, padded S]; 0 without dropout
  scores: usize; // a second output for one head [T, B, padded S]: the weights after dropout; 0 for none
  scoresRow: usize;
  scoresStep: usize;
  dScores: usize; // gradient of scores
  dScoresRow: usize;
  dScoresStep: usize;
  // Scratch of one sample and head
  visible: usize; // lanes of keys that are not masked [padded S]; 0 without a mask
  query: usize; // [BLOCK, padded D]
  context: usize; // [BLOCK, padded V]
  dropped: usize; // [BLOCK, padded S], with dropout
  keyPanels: usize; // [S, padded D], packed or, additive, plain
  valuePanels: usize; // [S, padded V], packed
  gains: usize; // [padded D], additive
  // With gradients
  dWeights: usize; // [BLOCK, padded S]
  dQuery: usize; // [BLOCK, padded D]
  dKeyPanels: usize; // like keyPanels
  dValuePanels: usize; // like valuePanels
  dGains: usize; // [padded D], additive
}

/** Queries that are processed at a time, so that their weights stay in the cache. src/ reserves as many rows. */
export const enum AttentionBlock {
  queries = 32,
}
