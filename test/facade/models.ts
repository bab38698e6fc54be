import {
  type Bidirectional,
  layers,
  type Recurrent,
  type Sequential,
  sequential,
  type Tensor,
  tensor,
} from 'lstm-wasm';
import type { Block } from '../reference/block.ts';
import type { RecurrentSpec } from '../reference/layers.ts';
import type { LayerSpec } from '../reference/model.ts';

/** The model these layers describe, made through the public interface, on a masking layer if asked; not yet compiled. */
export function modelOf(specs: LayerSpec[], masked = false): Sequential {
  const model = sequential();
  if (masked) {
    const { inputShape, batchInputShape } = specs[0]!.config;
    model.add(layers.masking({ inputShape, batchInputShape }));
  }
  for (const spec of specs) model.add(layerOf(spec));
  return model;
}

function layerOf(spec: LayerSpec) {
  switch (spec.class) {
    case 'lstm':
    case 'gru':
    case 'simpleRNN':
    case 'rnn':
    case 'bidirectional':
      return recurrentOf(spec);
    case 'dense':
      return layers.dense(spec.config);
    case 'timeDistributed':
      return layers.timeDistributed({ ...spec.config, layer: layers.dense(spec.config.layer.config) });
  }
}

/** The names of activations are strings in specs. */
// biome-ignore lint/suspicious/noExplicitAny: and the layers check them
type Any = any;

function recurrentOf(spec: RecurrentSpec): Recurrent | Bidirectional {
  switch (spec.class) {
    case 'rnn': {
      const { cells, ...config } = spec.config;
      return layers.rnn({ ...config, cell: cells.map(cell => layers[`${cellNames[cell.class]}`](cell.config as Any)) });
    }
    case 'bidirectional':
      return layers.bidirectional({ ...spec.config, layer: recurrentOf(spec.config.layer) as Recurrent });
    default:
      return layers[spec.class](spec.config as Any);
  }
}

const cellNames = { lstm: 'lstmCell', gru: 'gruCell', simpleRNN: 'simpleRNNCell' } as const;

/** Blocks hold float32 values, so nothing is lost. */
export function tensorOf({ shape, data }: Block): Tensor {
  return tensor(Float32Array.from(data), shape);
}
