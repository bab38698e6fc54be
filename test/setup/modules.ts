/** The modules of the kernels inside the package, by name. */

import type { KernelModule } from '../../src/wasm/decode.ts';
import { activations } from '../../src/wasm/modules/activations.generated.ts';
import { attention } from '../../src/wasm/modules/attention.generated.ts';
import { constraints } from '../../src/wasm/modules/constraints.generated.ts';
import { conv } from '../../src/wasm/modules/conv.generated.ts';
import { core } from '../../src/wasm/modules/core.generated.ts';
import { dropout } from '../../src/wasm/modules/dropout.generated.ts';
import { gru } from '../../src/wasm/modules/gru.generated.ts';
import { losses } from '../../src/wasm/modules/losses.generated.ts';
import { lstmVariants } from '../../src/wasm/modules/lstmVariants.generated.ts';
import { minRnn } from '../../src/wasm/modules/minRnn.generated.ts';
import { normalization } from '../../src/wasm/modules/normalization.generated.ts';
import { optimizers } from '../../src/wasm/modules/optimizers.generated.ts';
import { others } from '../../src/wasm/modules/others.generated.ts';
import { simpleRnn } from '../../src/wasm/modules/simpleRnn.generated.ts';
import { training } from '../../src/wasm/modules/training.generated.ts';

export const modules: Readonly<Record<string, KernelModule>> = {
  ...{ core, training, gru, minRnn, simpleRnn, lstmVariants, conv, attention, normalization, others },
  ...{ activations, constraints, dropout, losses, optimizers },
};
