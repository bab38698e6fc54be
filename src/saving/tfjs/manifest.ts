/** Reads model.json: the parts of a model, and the files of its weights. */

import { show } from '../../util/errors.ts';
import { type FilePath, failAt, itemOf, readList, readObject, readText, within } from '../config/filePath.ts';
import { parseTopology } from '../config/json.ts';
import { describeOtherFormat } from '../stores/fileSignatures.ts';
import { concatBytes, type ModelArtifacts, type ModelJson, partsOf, type WeightsManifestEntry } from './artifacts.ts';
import { checkSpecs } from './weightData.ts';

/** A weight file, with its path in model.json. */
export interface Shard {
  readonly location: FilePath;
  readonly path: string;
}

export interface Manifest {
  readonly json: ModelJson;
  readonly specs: readonly WeightsManifestEntry[];
  readonly shards: readonly Shard[];
  /** The total number of bytes that the files must have. */
  readonly bytes: number;
}

/** @param location the name of model.json, for error messages */
export function readManifest(location: FilePath, text: string): Manifest {
  const json = readObject(location, parseTopology(location, text)) as ModelJson;
  const here = { ...location, part: 'weightsManifest' };
  const groups = json.weightsManifest === undefined ? [] : readList(here, json.weightsManifest);
  const specs: WeightsManifestEntry[] = [];
  const shards: Shard[] = [];
  let bytes = 0;
  for (const [n, group] of groups.entries()) {
    const inner = itemOf(here, n);
    const { paths, weights } = readObject(inner, group);
    bytes += checkSpecs(within(inner, 'weights'), weights).bytes;
    for (const spec of weights as WeightsManifestEntry[]) specs.push(spec);
    for (const [p, path] of readList(within(inner, 'paths'), paths).entries()) {
      const there = itemOf(within(inner, 'paths'), p);
      shards.push({ location: there, path: readText(there, path) });
    }
  }
  return { json, specs, shards, bytes };
}

/** The artifacts of a model, given the bytes of its weight files. */
export function artifactsFrom({ json, specs }: Manifest, weightData: ArrayBuffer): ModelArtifacts {
  if (json.weightsManifest === undefined) return partsOf(json);
  return { ...partsOf(json), weightSpecs: [...specs], weightData };
}

/** The maximum number of nested percent encodings to decode. */
const DECODED = 4;

/**
 * Rejects a path that leaves the folder of model.json, including forms that a server or URL parser would resolve to
 * one: `%2e%2e`, `..%2f`, backslashes, and characters that such parsers drop.
 */
export function checkPath({ location, path }: Shard): string {
  let plain = path;
  for (let n = 0; n < DECODED; n++) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for them
    const leaves = plain.split('/').includes('..') || plain.startsWith('/') || /[\\:\x00-\x1f]|^ | $/.test(plain);
    if (leaves || plain === '') failAt(location, `must stay in the folder of model.json, got ${show(path)}`);
    const decoded = withoutCodes(plain);
    if (decoded === plain) return path;
    plain = decoded;
  }
  return failAt(location, `must stay in the folder of model.json, got ${show(path)}`);
}

/** Decodes percent encodings, one level. */
function withoutCodes(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, code => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

/** Concatenates weight files; throws as soon as they exceed the expected number of bytes. */
export class WeightCollector {
  readonly #bytes: Uint8Array<ArrayBuffer>[] = [];
  #count = 0;

  /** @param strict whether to reject files with more bytes; otherwise the rest is ignored */
  constructor(
    readonly location: FilePath,
    readonly expected: number,
    readonly strict: boolean,
  ) {}

  add(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.strict && this.#count + bytes.byteLength > this.expected) this.fail('more', this.#bytes[0] ?? bytes);
    const taken = bytes.subarray(0, this.expected - this.#count);
    this.#count += taken.byteLength;
    this.#bytes.push(taken);
  }

  /** Whether all bytes have been read. */
  get full(): boolean {
    return !this.strict && this.#count === this.expected;
  }

  /** The fraction that has been read. */
  get fraction(): number {
    return this.expected === 0 ? 1 : this.#count / this.expected;
  }

  /** Rejects files of too many bytes before reading them. */
  check(bytes: number): void {
    if (this.strict && bytes > this.expected) this.fail(`${bytes}`);
  }

  whole(): ArrayBuffer {
    if (this.#count !== this.expected) this.fail(`${this.#count}`, this.#bytes[0] ?? new Uint8Array());
    return concatBytes(this.#bytes).buffer;
  }

  /** @param first the first bytes of the files, to detect other formats */
  fail(got: string, first?: Uint8Array): never {
    const found = (first && describeOtherFormat(first)) ?? got;
    return failAt(this.location, `must have the ${this.expected} bytes that weightsManifest requires, got ${found}`);
  }
}
