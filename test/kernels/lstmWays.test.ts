// The LSTM with the options of all recurrent layers: masks, recurrent dropout, other activations.
// What is its own is in lstm.test.ts.

import { describeCell } from './recurrentCases.ts';

describeCell({ cell: 'lstm' });
