import { layers, type Sequential, sequential, type Tensor, tensor } from 'lstm-wasm';
import type { Block } from '../reference/block.ts';
import type { LayerSpec } from '../reference/model.ts';

/** The model these layers describe, made through the public interface; not yet compiled. */
export function modelOf(specs: LayerSpec[]): Sequential {
  const model = sequential();
  for (const spec of specs) model.add(layerOf(spec));
  return model;
}

function layerOf(spec: LayerSpec) {
  switch (spec.class) {
    case 'lstm':
      return layers.lstm(spec.config);
    case 'dense':
      return layers.dense(spec.config);
    case 'timeDistributed':
      return layers.timeDistributed({ ...spec.config, layer: layers.dense(spec.config.layer.config) });
  }
}

/** Blocks hold float32 values, so nothing is lost. */
export function tensorOf({ shape, data }: Block): Tensor {
  return tensor(Float32Array.from(data), shape);
}
