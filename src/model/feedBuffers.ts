/** Space for what is read of a batch before it is written to the kernels. */

import type { BatchNumbers } from '../inputs/batches.ts';

/** What has been read of a batch, for each input and each output. Reused, so that feeding a batch allocates nothing. */
export class FeedBuffers {
  readonly xShapes: (readonly number[])[] = [];
  readonly xNumbers: BatchNumbers[] = [];
  readonly yShapes: (readonly number[])[] = [];
  readonly yNumbers: BatchNumbers[] = [];
  /** The numbers of labels in the target of a sample; 0 for other targets. */
  readonly labels: number[] = [];
  /** Whether a batch is being read. Its getters can run code that feeds another one. */
  isUsed = false;
}
