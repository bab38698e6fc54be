/** All that can be seen of what a program holds, so that a call that was refused can be shown to have changed nothing. */

import { createHash } from 'node:crypto';
import type { Sequential, Stream } from 'lstm-wasm';
import { ValueError } from 'lstm-wasm';
import { OwnError } from './strange.ts';

type Held = { m?: unknown; n?: unknown; s?: unknown; o?: unknown; l?: unknown };

export function fingerprint(scope: Held): Record<string, string> {
  return {
    ...ofModel('m', scope.m as Sequential),
    ...(scope.n ? ofModel('n', scope.n as Sequential) : {}),
    ...(scope.s ? { 'states of s': tell(() => numbers((scope.s as Stream).getStates())) } : {}),
    o: tell(() => JSON.stringify((scope.o as { getConfig(): object }).getConfig())),
    l: tell(() => JSON.stringify((scope.l as { getConfig(): object }).getConfig())),
  };
}

function ofModel(name: string, model: Sequential): Record<string, string> {
  return {
    [`snapshot of ${name}`]: tell(() => hash(model.snapshot())),
    [`topology of ${name}`]: tell(() => model.toJSON() as string),
    [`optimizer of ${name}`]: tell(() => JSON.stringify(model.optimizer?.getConfig() ?? null)),
    [`metrics of ${name}`]: tell(() => model.metricsNames.join()),
    [`flags of ${name}`]: tell(() => `${model.trainable} ${model.stopTraining} ${model.layers.map(l => l.trainable)}`),
    [`metadata of ${name}`]: tell(() => JSON.stringify(model.getUserDefinedMetadata())),
    [`weights of ${name}`]: tell(() => numbers(model.getWeights())),
    [`prediction of ${name}`]: tell(() => `${model.countParams()} ${JSON.stringify(model.outputs)}`),
  };
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

const numbers = (tensors: unknown): string => {
  const all = (Array.isArray(tensors) ? tensors.flat() : [tensors]) as { dataSync(): Float32Array }[];
  const digest = createHash('sha256');
  for (const tensor of all) digest.update(tensor.dataSync());
  return digest.digest('hex').slice(0, 16);
};

/** What a question is answered with: a model without layers, or one that is gone, may refuse it. */
function tell(question: () => string): string {
  try {
    return question();
  } catch (error) {
    if (error instanceof ValueError || error instanceof OwnError) return error.message;
    throw error;
  }
}
