/** model.json, read: what a model is, and in which files its weights are. */

import { show } from '../errors.ts';
import { joined, type ModelArtifacts, type ModelJson, partsOf, type WeightsManifestEntry } from './artifacts.ts';
import { itemOf, type Place, parseJson, readList, readObject, readText, refuse, within } from './place.ts';
import { checkSpecs } from './weightData.ts';

/** A file of weights, by the path that model.json gives. */
export interface Shard {
  readonly place: Place;
  readonly path: string;
}

export interface Manifest {
  readonly json: ModelJson;
  readonly specs: readonly WeightsManifestEntry[];
  readonly shards: readonly Shard[];
  /** How many bytes all files must have together. */
  readonly bytes: number;
}

/** @param place of model.json, as it is called where it comes from */
export function readManifest(place: Place, text: string): Manifest {
  const json = readObject(place, parseJson(place, text)) as ModelJson;
  const here = { ...place, part: 'weightsManifest' };
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
      shards.push({ place: there, path: readText(there, path) });
    }
  }
  return { json, specs, shards, bytes };
}

/** All of a saved model, once its files have been read. */
export function artifactsFrom({ json, specs }: Manifest, weightData: ArrayBuffer): ModelArtifacts {
  if (json.weightsManifest === undefined) return partsOf(json);
  return { ...partsOf(json), weightSpecs: [...specs], weightData };
}

/** Refuses a path that leads out of the folder of model.json. */
export function checkPath({ place, path }: Shard): string {
  const steps = path.split('/');
  const leaves = steps.includes('..') || steps[0] === '' || /[\\:\0]/.test(path);
  if (leaves) refuse(place, `must stay in the folder of model.json, got ${show(path)}`);
  return path;
}

/** Puts the files of weights together; refuses before it has held more bytes than there may be. */
export class Collector {
  readonly #bytes: Uint8Array<ArrayBuffer>[] = [];
  #count = 0;

  constructor(
    readonly place: Place,
    readonly expected: number,
  ) {}

  add(bytes: Uint8Array<ArrayBuffer>): void {
    this.#count += bytes.byteLength;
    if (this.#count > this.expected) this.refuse('more');
    this.#bytes.push(bytes);
  }

  /** The share that is there. */
  get fraction(): number {
    return this.expected === 0 ? 1 : this.#count / this.expected;
  }

  whole(): ArrayBuffer {
    if (this.#count !== this.expected) this.refuse(`${this.#count}`);
    return joined(this.#bytes).buffer;
  }

  refuse(got: string): never {
    return refuse(this.place, `must have ${this.expected} bytes, as weightsManifest says, got ${got}`);
  }
}
