/** Where in a file something stands, for messages. */

import { fail } from '../errors.ts';

export type { Place } from '../saving/rebuild.ts';

import type { Place } from '../saving/rebuild.ts';

export const refuse = ({ call, part }: Place, message: string): never => fail(call, `${part}: ${message}`);

export const within = ({ call, part }: Place, inner: string): Place => ({
  call,
  part: part ? `${part}.${inner}` : inner,
});
