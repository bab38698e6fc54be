/** Writes HDF5 files, by h5wasm: the C library, which reads here nothing but what it has written itself. */

import { fail } from '../util/errors.ts';

/** A group and the float32 data in it. */
export interface NewGroup {
  readonly path: string;
  /** An attribute of the group. */
  readonly name: string;
  readonly data: readonly { readonly shape: readonly number[]; readonly values: Float32Array }[];
}

const FILE = '/lstm-wasm-weights.h5';

/** A file of groups, each with the groups above it; data are called 0, 1 and so on. */
export async function writeHdf5(call: string, groups: readonly NewGroup[]): Promise<Uint8Array> {
  const { ready, File } = await load(call);
  const { FS } = await ready;
  // The oldest layout of the format, which every reader knows, and which h5py writes
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
      if (!group || !('create_dataset' in group)) return fail(call, `h5wasm must make the group ${path}, got none`);
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
    return fail(call, "the package 'h5wasm' must be there to write HDF5 files, got none; npm install h5wasm");
  }
}
