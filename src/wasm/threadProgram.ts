/** What a thread of a team runs, and the words with which the team directs it. */

/** Indices into the words that all threads of a team share. */
export const word = {
  /** The number of the last job, or -1 to end. Threads that sleep wait for it to change. */
  job: 0,
  /** The next chunk of a job to be taken: 4096 times the number of the job, plus the number of the chunk. */
  ticket: 1,
  /** The number of the job that the words below describe, written before them. */
  described: 2,
  /** The number of chunks of the job. */
  chunks: 3,
  /** The position of its kernel among the names. */
  kernel: 4,
  /** The address of the plan structure. */
  plan: 5,
  /** The number of rows or columns of the job. */
  extent: 6,
  /** The number of them in a chunk; the last chunk may be smaller. */
  size: 7,
  /** Chunks that are finished. */
  done: 8,
  /** Threads that sleep. */
  sleepers: 9,
  /** 1 after a kernel has thrown. */
  failed: 10,
  /** The position of the kernel that ends a chunk among the names, or -1. */
  end: 11,
  /** For each chunk of a job with such a kernel, one of `Mark`. */
  marks: 32,
} as const;

/**
 * What is known of a chunk. Only a thread that changes `begun` to `computed` may run the kernel that ends it; `computed` is
 * followed by the numbers of the threads that may do so: thread n writes `computed + n`. It then changes its mark to `ended`.
 * The calling thread may change `begun` and the marks of other threads to `taken`; a thread whose chunk is taken stops.
 */
export const Mark = { begun: 0, ended: 1, taken: 2, computed: 3 } as const;

/** The index of the number of the training batch among the same words, read as float64. */
export const batchIndex = 8;

/** Bits of a ticket for the number of the chunk. */
export const CHUNK_BITS = 12;

/** Bytes for the words, with the number of the batch among them. */
export const controlBytes = 4 * (word.marks + 2 ** CHUNK_BITS);

/** How long a thread looks for the next job before it sleeps: the next one soon follows while a model trains. */
const WATCH_MILLISECONDS = 0.3;

/** What a thread receives. */
export interface ThreadData {
  /** The modules of the kernels, the core first. */
  readonly modules: readonly WebAssembly.Module[];
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** The kernels by the number with which jobs name them. */
  readonly names: readonly string[];
  readonly wide: number;
  /** Its number in the team; the calling thread is 0. */
  readonly number: number;
}

/**
 * The program, as text, so that no bundler has to find a file. A ticket is valid if its job is still the one that the words
 * describe. `chunks` is read before `described`, so a ticket of an earlier job never sees the chunks of a later one.
 */
export const threadProgram: string = /* @__PURE__ */ (() => `
function run({ modules, memory, control, names, wide, number }) {
  const abort = () => {
    throw new Error('the kernels stopped');
  };
  const exports = {};
  for (const module of modules) {
    Object.assign(exports, new WebAssembly.Instance(module, { env: { memory, abort }, core: exports }).exports);
  }
  exports.setWideVectors(wide);
  exports.setThread(number);
  const kernels = names.map(name => exports[name]);
  const words = new Int32Array(control);
  const numbers = new Float64Array(control);
  const pause = Atomics.pause ?? (() => {});
  const own = ${Mark.computed} + number;
  const marks = (chunk, from, to) => Atomics.compareExchange(words, ${word.marks} + chunk, from, to) === from;
  for (let seen = 0; ; ) {
    const end = performance.now() + ${WATCH_MILLISECONDS};
    let job = Atomics.load(words, ${word.job});
    for (let n = 1; job === seen && (n % 256 > 0 || performance.now() < end); n++) {
      pause();
      job = Atomics.load(words, ${word.job});
    }
    if (job === seen) {
      Atomics.add(words, ${word.sleepers}, 1);
      Atomics.wait(words, ${word.job}, seen);
      Atomics.sub(words, ${word.sleepers}, 1);
      continue;
    }
    if (job < 0) return;
    seen = job;
    for (;;) {
      const ticket = Atomics.add(words, ${word.ticket}, 1);
      const chunk = ticket & ${2 ** CHUNK_BITS - 1};
      const chunks = Atomics.load(words, ${word.chunks});
      if (ticket >> ${CHUNK_BITS} !== Atomics.load(words, ${word.described}) || chunk >= chunks) break;
      const size = words[${word.size}];
      const first = chunk * size;
      const count = Math.min(size, words[${word.extent}] - first);
      const plan = words[${word.plan}];
      const end = words[${word.end}];
      try {
        exports.setBatch(numbers[${batchIndex}]);
        kernels[words[${word.kernel}]](plan, first, count);
        if (end >= 0) {
          if (!marks(chunk, ${Mark.begun}, own)) return;
          kernels[end](plan, first, count);
          if (!marks(chunk, own, ${Mark.ended})) return; // what it saved is read now
        }
      } catch {
        Atomics.store(words, ${word.failed}, 1);
        Atomics.add(words, ${word.done}, 1);
        break; // what it saved must stay
      }
      Atomics.add(words, ${word.done}, 1);
    }
  }
}
`)();
