/** Gives tensors their chained methods, such as `x.add(y)`. Bundlers must keep this file for its effect. */

import { addTensorMethods } from './methods.ts';

addTensorMethods();
