/**
 * A rival in a process of its own, for bench/rivals/remote.js: `node worker.js JSON`, with the name of a file in bench/rivals,
 * its function, and the arguments. Reads requests from stdin and writes replies to stdout, one line of JSON each.
 */

import { createInterface } from 'node:readline';
import v8 from 'node:v8';
import { handlersOf, replyTo } from './requests.js';

/** @type {{ file: string, name: string, args: unknown[] }} */
const { file, name, args } = JSON.parse(process.argv[2] ?? '');
// Optimize all code at once, as for the other rivals.
v8.setFlagsFromString('--no-wasm-inlining');
v8.setFlagsFromString('--no-liftoff');
v8.setFlagsFromString('--no-wasm-lazy-compilation');
if (process.version.startsWith('v20.')) v8.setFlagsFromString('--experimental-wasm-relaxed-simd');

const handlers = handlersOf(await (await import(`./rivals/${file}.js`))[name](...args));
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await replyTo(handlers, JSON.parse(line)))}\n`);
}
