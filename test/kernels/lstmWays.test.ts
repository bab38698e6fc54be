// The LSTM with the options of all recurrent layers: masks, recurrent dropout, other activations.
// lstm.test.ts has the tests that only the LSTM has.

import { describeCell } from './recurrentCases.ts';

describeCell({ cell: 'lstm' });
