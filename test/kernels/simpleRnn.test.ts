// simpleRnnForward and simpleRnnBackward against plain float64 loops.

import { describeCell } from './recurrentCases.ts';

describeCell({ cell: 'simpleRnn' });
