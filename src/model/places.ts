/** The parts of models that not every program needs. */

import type { checkMetadata } from '../saving/tfjs/metadata.ts';
import type { evaluate } from '../training/evaluate.ts';
import { Place } from '../util/part.ts';
import type { inspect } from './inspect.ts';
import type { readSnapshot, takeSnapshot } from './snapshot.ts';
import type { Stream } from './stream.ts';
import type { printSummary } from './summary.ts';

export const evaluationPlace: Place<typeof evaluate> = /* @__PURE__ */ new Place('evaluation');
export const metadataPlace: Place<typeof checkMetadata> = /* @__PURE__ */ new Place('metadata');
export const streamPlace: Place<typeof Stream> = /* @__PURE__ */ new Place('streams');

export const inspectionPlace: Place<{
  readonly inspect: typeof inspect;
  readonly printSummary: typeof printSummary;
}> = /* @__PURE__ */ new Place('inspection');

export const snapshotPlace: Place<{
  readonly readSnapshot: typeof readSnapshot;
  readonly takeSnapshot: typeof takeSnapshot;
}> = /* @__PURE__ */ new Place('snapshots');
