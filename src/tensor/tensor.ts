/** The class `Tensor` with its chained methods. */

import './methods.ts';

export { Tensor } from './tensorClass.ts';
