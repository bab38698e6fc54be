import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { everything } from './test/setup/often.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What runs on kernels runs on every build of them; the rest runs once. */
const onKernels = ['test/kernels/**/*.test.ts', 'test/facade/**/*.test.ts'];
/** What looks at a clock, or counts frames or kills: one file after the other, when nothing else runs. */
const onClock = ['test/browser/pace.test.ts', 'test/package/kill.test.ts', 'test/worker/node.test.ts'];
/** What takes long and asks who holds memory, not what is computed in it: in the build that ships, without fences. */
const onMemory = ['test/facade/{many,memory}.test.ts'];
/** What is about anything but products of matrices; tiles and panels are for those alone. */
const withoutTiles = [
  'test/kernels/{activations,layers,log,loss,losses,merge,optimizers,random,smooth}.test.ts',
  'test/facade/{callbacks,errors,initializers,metrics,objective,optimizers,progressBar,schedules,wishes}.test.ts',
  'test/facade/{fit,tensor}*.test.ts',
];
/** Files that `npm test` leaves to `npm run verify`, in its steps `tests` and `clock`. */
const later = (files: string[]) => (everything ? [] : files);
/** What does not ask how numbers are computed, and runs on the build that ships. */
const withoutKernels = later([
  'test/facade/{callbacks,errors,progressBar,schedules,wishes}.test.ts',
  'test/facade/tensor*.test.ts',
]);
/** What the other builds have gone through as well; the kernels have tests of their own on each. */
const onceMoreRelaxed = later(['test/facade/{bidirectional,optimizers,recurrent}.test.ts']);
const onceMoreJoined = later(['test/facade/{bidirectional,inspect,recurrent*,rnn,states,stream*}.test.ts']);
/** What looks at memory or at machine code for long. */
const shownLater = later(['test/browser/many.test.ts', 'test/guard/spills.test.ts', 'test/package/heap.test.ts']);
const builds = [
  { name: 'strict', build: 'strict' },
  { name: 'relaxed', build: 'relaxed', but: [...onMemory, ...withoutKernels, ...onceMoreRelaxed] },
  { name: 'debug', build: 'debug', but: [...onMemory, ...withoutKernels] },
  // The tiles and panels of lstm-wasm/turbo, which give the same bits on any host, only not fast.
  { name: 'joined', build: 'debug', joined: '1', but: [...onMemory, ...withoutTiles, ...onceMoreJoined] },
];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^lstm-wasm$/, replacement: path('src/index.ts') },
      { find: /^lstm-wasm\/plot$/, replacement: path('src/plot/node.ts') },
      { find: /^lstm-wasm\/(\w+)$/, replacement: path('src/$1/index.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    // By default a core stays free, which on two of them is half of all there is; one more than cores is slower.
    maxWorkers: availableParallelism(),
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // What runs from dist/ in threads and processes of its own, out of V8's sight: test/worker, test/browser, test/turbo.
      exclude: ['src/wasm/*.generated.ts', 'src/turbo.ts', 'src/worker/**'],
      reporter: ['json-summary', 'html', 'text-summary'],
      reportOnFailure: true,
    },
    projects: [
      ...builds.map(({ name, build, joined = '', but = [] }) => ({
        extends: true as const,
        test: {
          name,
          include: onKernels,
          exclude: but,
          env: { LSTM_WASM_BUILD: build, LSTM_WASM_JOINED: joined },
          setupFiles: ['test/setup/build.ts'],
        },
      })),
      {
        extends: true as const,
        test: { name: 'once', include: ['test/**/*.test.ts'], exclude: [...onKernels, ...onClock, ...shownLater] },
      },
      {
        extends: true as const,
        test: {
          name: 'alone',
          include: onClock,
          exclude: later(['test/browser/pace.test.ts', 'test/package/kill.test.ts']),
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
