/** The packages that only this subpath needs: optional peer dependencies, loaded when the first task runs. */

import type * as bullmq from 'bullmq';
import type * as ioredis from 'ioredis';
import { fail } from '../../util/errors.ts';

export type Packages = Pick<
  typeof bullmq,
  'Queue' | 'QueueEvents' | 'UnrecoverableError' | 'WaitingError' | 'Worker'
> & { readonly Redis: typeof ioredis.Redis };

/** @param call for the error if a package is missing, such as 'bullmq' */
export async function loadPackages(call: string): Promise<Packages> {
  try {
    const [bull, redis] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { ...bull, Redis: redis.Redis };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return fail(call, "needs the packages 'bullmq' and 'ioredis'; npm install bullmq ioredis");
  }
}
