/** All faults that are planted, one at a time. */

import { layerMutants } from './layers.js';
import { numbers } from './numbers.js';
import { recurrent } from './recurrent.js';

/** @type {import('../hunt.js').Mutant[]} */
export const mutants = [...recurrent, ...layerMutants, ...numbers];
