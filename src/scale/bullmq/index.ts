/** Runs tasks on other machines, with BullMQ and Redis. */

import { rejectExtraArguments } from '../../util/arguments.ts';
import type { Engine } from '../engine.ts';
import { QueueEngine } from './engine.ts';
import { type BullmqOptions, checkEngineOptions } from './options.ts';

export type { RedisOptions } from './connectionOptions.ts';
export type { BullmqOptions } from './options.ts';

/**
 * An engine that runs tasks in the workers of a queue, which `npx lstm-wasm worker` starts on any number of machines. It
 * connects when the first task runs. Results are kept in Redis under the id of their task, and used again.
 *
 * @throws {ValueError} if an option is not valid
 */
export function bullmq(options: BullmqOptions): Engine {
  rejectExtraArguments('bullmq', 1, arguments);
  return new QueueEngine(checkEngineOptions('bullmq', options));
}
