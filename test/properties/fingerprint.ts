/** The visible state of the variables of a program, to check that a rejected call changed nothing. */

import { createHash } from 'node:crypto';
import type { Sequential, Stream } from 'lstm-wasm';
import { ValueError } from 'lstm-wasm';
import { UserError } from './unusualValues.ts';

type Variables = { m?: unknown; n?: unknown; s?: unknown; o?: unknown; l?: unknown };

export function fingerprint(scope: Variables): Record<string, string> {
  return {
    ...ofModel('m', scope.m as Sequential),
    ...(scope.n ? ofModel('n', scope.n as Sequential) : {}),
    ...(scope.s ? { 'states of s': valueOrMessage(() => numbers((scope.s as Stream).getStates())) } : {}),
    o: valueOrMessage(() => JSON.stringify((scope.o as { getConfig(): object }).getConfig())),
    l: valueOrMessage(() => JSON.stringify((scope.l as { getConfig(): object }).getConfig())),
  };
}

function ofModel(name: string, model: Sequential): Record<string, string> {
  return {
    [`snapshot of ${name}`]: valueOrMessage(() => hash(model.snapshot())),
    [`topology of ${name}`]: valueOrMessage(() => model.toJSON() as string),
    [`optimizer of ${name}`]: valueOrMessage(() => JSON.stringify(model.optimizer?.getConfig() ?? null)),
    [`metrics of ${name}`]: valueOrMessage(() => model.metricsNames.join()),
    [`flags of ${name}`]: valueOrMessage(
      () => `${model.trainable} ${model.stopTraining} ${model.layers.map(l => l.trainable)}`,
    ),
    [`metadata of ${name}`]: valueOrMessage(() => JSON.stringify(model.getUserDefinedMetadata())),
    [`weights of ${name}`]: valueOrMessage(() => numbers(model.getWeights())),
    [`prediction of ${name}`]: valueOrMessage(() => `${model.countParams()} ${JSON.stringify(model.outputs)}`),
  };
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

const numbers = (tensors: unknown): string => {
  const all = (Array.isArray(tensors) ? tensors.flat() : [tensors]) as { dataSync(): Float32Array }[];
  const digest = createHash('sha256');
  for (const tensor of all) digest.update(tensor.dataSync());
  return digest.digest('hex').slice(0, 16);
};

/** The result of `read`, or the error message, because a model without layers or a disposed model may reject the call. */
function valueOrMessage(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof ValueError || error instanceof UserError) return error.message;
    throw error;
  }
}
