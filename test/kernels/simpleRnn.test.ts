// simpleRnnForward and simpleRnnBackward on their own against plain float64 loops.

import { describeCell } from './recurrentCases.ts';

describeCell({ cell: 'simpleRnn' });
