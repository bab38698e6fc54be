import {
  type Bidirectional,
  type Layer,
  layers,
  type Recurrent,
  type Sequential,
  sequential,
  type Tensor,
  tensor,
} from 'lstm-wasm';
import type { Block } from '../reference/block.ts';
import type { LayerSpec } from '../reference/model.ts';
import type { RecurrentSpec } from '../reference/recurrentLayers.ts';

/** Creates the model of these layers through the public API, not yet compiled. */
export function modelOf(specs: LayerSpec[]): Sequential {
  const model = sequential();
  for (const spec of specs) model.add(layerOf(spec));
  return model;
}

// biome-ignore lint/suspicious/noExplicitAny: names of activations are strings in specs; the layers check them
type Any = any;

function layerOf(spec: LayerSpec): Layer {
  switch (spec.class) {
    case 'lstm':
    case 'gru':
    case 'simpleRNN':
    case 'minGRU':
    case 'minLSTM':
    case 'rnn':
    case 'bidirectional':
      return recurrentOf(spec);
    case 'dense':
      return layers.dense(spec.config);
    case 'timeDistributed':
      return layers.timeDistributed({ ...spec.config, layer: layerOf(spec.config.layer) });
    case 'activation':
      return layers.activation(spec.config);
    case 'dropout':
      return layers.dropout(spec.config);
    case 'embedding':
      return layers.embedding(spec.config);
    case 'masking':
      return layers.masking(spec.config);
    case 'repeatVector':
      return layers.repeatVector(spec.config);
    case 'flatten':
      return layers.flatten(spec.config);
    case 'reshape':
      return layers.reshape(spec.config);
    case 'permute':
      return layers.permute(spec.config);
    default:
      return layers[spec.class](spec.config as Any);
  }
}

function recurrentOf(spec: RecurrentSpec): Recurrent | Bidirectional {
  switch (spec.class) {
    case 'rnn': {
      const { cells, ...config } = spec.config;
      return layers.rnn({
        ...config,
        cell: cells.map(cell => layers[`${cellNames[cell.class as keyof typeof cellNames]}`](cell.config as Any)),
      });
    }
    case 'bidirectional':
      return layers.bidirectional({ ...spec.config, layer: recurrentOf(spec.config.layer) as Recurrent });
    default:
      return layers[spec.class](spec.config as Any);
  }
}

const cellNames = { lstm: 'lstmCell', gru: 'gruCell', simpleRNN: 'simpleRNNCell' } as const;

/** Exact, because all blocks of tests hold float32 values. */
export function tensorOf({ shape, data }: Block): Tensor {
  return tensor(new Float32Array(data), shape);
}
