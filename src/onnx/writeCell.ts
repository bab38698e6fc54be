/** What the recurrent operators of ONNX take of a cell: its activations, and an error for options that they do not have. */

import type { ActivationName } from '../layers/activations.ts';
import type { Layer } from '../layers/layer.ts';
import type { Cell } from '../layers/recurrent/cell.ts';
import { GRUCell } from '../layers/recurrent/gru.ts';
import { LSTMCell } from '../layers/recurrent/lstm.ts';
import { SimpleRNNCell } from '../layers/recurrent/simpleRnn.ts';
import { fail } from '../util/errors.ts';

/** Whether a cell has peepholes. Rejects those of its options that the LSTM of ONNX does not have. */
export function checkVariant(call: string, owner: Layer, cell: Cell): boolean {
  const variant = cell instanceof LSTMCell ? cell.variant : null;
  const normalizes = cell instanceof SimpleRNNCell ? cell.norm : variant?.norm;
  const reject = (got: string) =>
    fail(
      call,
      `layer '${owner.name}' must have no projection and no normalization inside to be an operator of ONNX, got ${got}`,
    );
  if (variant?.projection) reject(`projectionUnits: ${variant.outputs}`);
  if (normalizes) reject('layerNormalization: true');
  return Boolean(variant?.peepholes);
}

/** The activations in the order of ONNX: f g h for LSTM, f g for GRU, f for RNN. */
export function activationsOf(cell: Cell): { what: string; activation: ActivationName }[] {
  const own = { what: 'activation', activation: cell.activation };
  if (!(cell instanceof LSTMCell || cell instanceof GRUCell)) return [own];
  const gates = { what: 'recurrentActivation', activation: cell.recurrentActivation };
  return cell instanceof LSTMCell ? [gates, own, own] : [gates, own];
}
