/**
 * Runs the program in Node, Deno and Bun and prints its results.
 *
 *   node command.js ./entry.js strict here
 */

const [entry = '', simd, place] = process.argv.slice(2);
await import(new URL(entry, import.meta.url).href);
const { runProgram } = /** @type {any} */ (globalThis);
console.log(JSON.stringify(await runProgram(simd, place)));
