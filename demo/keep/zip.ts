/** A saved model as a zip with model.json and weights.bin. */

import { zipSync } from 'fflate';
import type { ModelArtifacts } from 'lstm-wasm';

export function zipOf(artifacts: ModelArtifacts): Uint8Array<ArrayBuffer> {
  const { weightSpecs, weightData, ...rest } = artifacts;
  const json = { ...rest, weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }] };
  const text = new TextEncoder().encode(JSON.stringify(json));
  return zipSync({ 'model.json': text, 'weights.bin': joined(weightData!) }) as Uint8Array<ArrayBuffer>;
}

function joined(data: ArrayBuffer | ArrayBuffer[]): Uint8Array {
  const pieces = [data].flat().map(piece => new Uint8Array(piece));
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
