/** The modules of the kernels inside the package, by name. */

import type { KernelModule } from '../../src/wasm/decode.ts';
import { attention } from '../../src/wasm/modules/attention.generated.ts';
import { conv } from '../../src/wasm/modules/conv.generated.ts';
import { core } from '../../src/wasm/modules/core.generated.ts';
import { gru } from '../../src/wasm/modules/gru.generated.ts';
import { lstmVariants } from '../../src/wasm/modules/lstmVariants.generated.ts';
import { minRnn } from '../../src/wasm/modules/minRnn.generated.ts';
import { normalization } from '../../src/wasm/modules/normalization.generated.ts';
import { others } from '../../src/wasm/modules/others.generated.ts';
import { simpleRnn } from '../../src/wasm/modules/simpleRnn.generated.ts';
import { training } from '../../src/wasm/modules/training.generated.ts';

export const modules: Readonly<Record<string, KernelModule>> = {
  ...{ core, training, gru, minRnn, simpleRnn, lstmVariants, conv, attention, normalization, others },
};
