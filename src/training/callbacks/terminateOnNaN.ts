/** Stops training when the loss is not finite. */

import { Callback, type Logs } from '../callback.ts';

export class TerminateOnNaN extends Callback {
  override async onBatchEnd(_batch: number, logs: Logs = {}): Promise<void> {
    if (logs.loss !== undefined && !Number.isFinite(logs.loss)) this.model.stopTraining = true;
  }
}
