/** The layer factories, by their TF.js names. */

import { Bidirectional, type BidirectionalOptions, type MergeMode } from './bidirectional.ts';
import type { Cell, CellOptions, GatedCellOptions, RecurrentActivation } from './cell.ts';
import { Dense, type DenseOptions } from './dense.ts';
import { Gru, type GruCell, type GruCellOptions, type GruOptions, gruCell } from './gru.ts';
import { InputLayer, type InputLayerOptions } from './inputLayer.ts';
import type { Layer } from './layer.ts';
import { Lstm, type LstmCell, type LstmCellOptions, type LstmOptions, lstmCell } from './lstm.ts';
import type { Recurrent, RecurrentOptions } from './recurrent.ts';
import { Rnn, type RnnOptions, StackedRnnCells } from './rnn.ts';
import { SimpleRnn, type SimpleRnnCell, type SimpleRnnOptions, simpleRNNCell } from './simpleRnn.ts';
import { TimeDistributed, type TimeDistributedOptions } from './timeDistributed.ts';

/** Makes layers; the first one of a model names its input with inputShape or batchInputShape. */
export const layers = {
  /** Long short-term memory over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  lstm: (options: LstmOptions): Lstm => new Lstm(options),
  /** Gated recurrent unit over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  gru: (options: GruOptions): Gru => new Gru(options),
  /** The simplest recurrent layer, over [B, T, D]: gives [B, U], or [B, T, U] with returnSequences. */
  simpleRNN: (options: SimpleRnnOptions): SimpleRnn => new SimpleRnn(options),
  /** Runs a recurrent layer over [B, T, D] in both directions: gives [B, 2U] or [B, T, 2U], or U wide unless concat. */
  bidirectional: (options: BidirectionalOptions): Bidirectional => new Bidirectional(options),
  /** Runs a cell, or a list of them, over [B, T, D]. */
  rnn: (options: RnnOptions): Rnn => new Rnn(options),
  /** Cells for `rnn`. */
  lstmCell,
  gruCell,
  simpleRNNCell,
  /** Several cells as one, for `rnn`. */
  stackedRNNCells: (options: { cells: readonly (Cell | StackedRnnCells)[] }): StackedRnnCells =>
    new StackedRnnCells(options),
  /** y = f(x W + b) on the last axis of [B, D] or [B, T, D]. */
  dense: (options: DenseOptions): Dense => new Dense(options),
  /** Applies a layer to every time step of [B, T, D]. */
  timeDistributed: (options: TimeDistributedOptions): TimeDistributed => new TimeDistributed(options),
  /** Names the input of a model. */
  inputLayer: (options: InputLayerOptions): InputLayer => new InputLayer(options),
};

export type {
  Bidirectional,
  BidirectionalOptions,
  Cell,
  CellOptions,
  Dense,
  DenseOptions,
  GatedCellOptions,
  Gru,
  GruCell,
  GruCellOptions,
  GruOptions,
  InputLayer,
  InputLayerOptions,
  Layer,
  Lstm,
  LstmCell,
  LstmCellOptions,
  LstmOptions,
  MergeMode,
  Recurrent,
  RecurrentActivation,
  RecurrentOptions,
  Rnn,
  RnnOptions,
  SimpleRnn,
  SimpleRnnCell,
  SimpleRnnOptions,
  StackedRnnCells,
  TimeDistributed,
  TimeDistributedOptions,
};
