/**
 * What a task costs in Redis, and how fast tasks run in worker processes against local().
 *
 *   node measure.js 60    fits 60 series with each engine
 */

import { fitEach, local } from 'lstm-wasm/scale';
import { bullmq } from 'lstm-wasm/scale/bullmq';
import { endWorker, Server, startWorker } from './redis.js';

const count = Number(process.argv[2] ?? 60);
const epochs = Number(process.argv[3] ?? 20);
const options = { horizon: 6, inputSteps: 24, epochs, units: 16 };
const series = Array.from({ length: count }, (_, n) => ({
  id: `series ${n}`,
  values: Float64Array.from({ length: 300 }, (_, t) => Math.sin((2 * Math.PI * t) / 24 + n) + Math.sin(t * t + n) / 5),
}));

/** @type {string[] | undefined} */
let expected;
const server = await new Server().start();
const info = async (/** @type {string} */ section) => server.client.info(section);
/** @param {string} text @param {string} name */
const numberOf = (text, name) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1]);

for (const workers of [1, 2]) await time(`local, ${workers} threads`, local({ workers }));
for (const workers of [1, 2]) {
  const children = await Promise.all(Array.from({ length: workers }, () => startWorker(server.url)));
  await server.client.flushall();
  await server.client.config('RESETSTAT');
  const before = numberOf(await info('memory'), 'used_memory');
  await time(`bullmq, ${workers} worker processes`, bullmq({ connection: server.url, slots: 4 * workers }));
  const [stats, commands, memory] = [await info('stats'), await info('commandstats'), await info('memory')];
  const calls = Object.fromEntries(
    Array.from(commands.matchAll(/^cmdstat_([\w|]+):calls=(\d+),usec=(\d+)/gm), ([, name, n, usec]) => [
      name,
      [Number((Number(n) / count).toFixed(2)), Number((Number(usec) / count).toFixed(1))],
    ]),
  );
  const [id = ''] = await server.client.zrange('bull:lstm:completed', 0, 0);
  const [, [blob = '']] = await server.client.scan(0, 'MATCH', 'lstm:blob:*', 'COUNT', 100);
  console.log(
    JSON.stringify({
      connections: numberOf(await info('clients'), 'connected_clients'),
      memoryOfJob: await server.client.memory('USAGE', `bull:lstm:${id}`),
      memoryOfBlob: await server.client.memory('USAGE', blob),
      processed: numberOf(stats, 'total_commands_processed') / count,
      bytesIn: numberOf(stats, 'total_net_input_bytes') / count,
      bytesOut: numberOf(stats, 'total_net_output_bytes') / count,
      memory: (numberOf(memory, 'used_memory') - before) / count,
      callsAndMicroseconds: calls,
    }),
  );
  await Promise.all(children.map(child => endWorker(child, 'SIGTERM')));
}
await server.remove();

/** @param {string} name @param {import('lstm-wasm/scale').Engine} engine */
async function time(name, engine) {
  await fitEach(series.slice(0, 2), { ...options, seed: 9 }, { engine }); // starts threads and connections
  const start = performance.now();
  const fitted = await fitEach(series, options, { engine });
  const seconds = (performance.now() - start) / 1000;
  const models = fitted.map(({ model, error }) => model ?? String(error));
  expected ??= models;
  const isEqual = models.every((model, n) => model === expected?.[n]);
  console.log(`${name}: ${seconds.toFixed(2)} s, ${(count / seconds).toFixed(1)} series/s, equal: ${isEqual}`);
  await engine.close();
}
