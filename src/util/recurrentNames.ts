/** The recurrent layers that have one cell. */

/** The names of their classes. */
export const recurrentClasses: readonly string[] = ['LSTM', 'GRU', 'SimpleRNN', 'MinGRU', 'MinLSTM'];

/** The names of their factories. */
export const recurrentFactories: readonly string[] = ['lstm', 'gru', 'simpleRNN', 'minGRU', 'minLSTM'];
