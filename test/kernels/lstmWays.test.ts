// What the recurrent layers have in common, for the LSTM: time masks, recurrent dropout, other activations among it.
// What is its own is in lstm.test.ts.

import { describeCell } from './recurrentCases.ts';

describeCell({ cell: 'lstm' });
