/** Writes HDF5 files with h5wasm, the C library. */

import { fail } from '../util/errors.ts';

/** A group with an attribute and float32 datasets. */
export interface NewGroup {
  readonly path: string;
  /** The value of the attribute `name`. */
  readonly name: string;
  readonly data: readonly { readonly shape: readonly number[]; readonly values: Float32Array }[];
}

const FILE = '/lstm-wasm-weights.h5';

/** Writes groups and their parent groups. Datasets are named 0, 1 and so on. */
export async function writeHdf5(call: string, groups: readonly NewGroup[]): Promise<Uint8Array> {
  const { ready, File } = await load(call);
  const { FS } = await ready;
  // The oldest layout, which all readers support and h5py writes
  const file = new File(FILE, 'w', { libver: ['earliest', 'latest'] });
  try {
    const made = new Set<string>();
    for (const { path, name, data } of groups) {
      const parts = path.split('/');
      for (let n = 1; n <= parts.length; n++) {
        const part = parts.slice(0, n).join('/');
        if (!made.has(part)) file.create_group(part);
        made.add(part);
      }
      const group = file.get(path);
      if (!group || !('create_dataset' in group)) return fail(call, `h5wasm could not create the group ${path}`);
      group.create_attribute('name', name, null, 'S');
      for (const [n, { shape, values }] of data.entries()) {
        group.create_dataset({ name: String(n), data: values, shape: [...shape], dtype: '<f' });
      }
    }
  } finally {
    file.close();
  }
  const bytes = FS.readFile(FILE) as Uint8Array;
  FS.unlink(FILE);
  return bytes.slice();
}

async function load(call: string) {
  try {
    return await import('h5wasm');
  } catch {
    return fail(call, "writing HDF5 needs the package 'h5wasm'; npm install h5wasm");
  }
}
