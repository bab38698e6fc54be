/** The names of the weights of a model in files. */

import type { Layer } from '../layers/layer.ts';

/**
 * The names of the weights of each layer, as TF.js writes them: without the names of nested models. Layers of nested
 * models whose name is taken get a number, as in Keras: dense, dense_1.
 */
export function weightNamesOf(layers: readonly Layer[]): string[][] {
  const taken = new Set(layers.map(({ name }) => name));
  const used = new Set<string>();
  return layers.map(({ name, weightPaths }) => {
    let unique = name;
    if (used.has(name)) {
      for (let n = 1; taken.has(unique); n++) unique = `${name}_${n}`;
      taken.add(unique);
    }
    used.add(unique);
    return unique === name ? weightPaths : weightPaths.map(path => unique + path.slice(name.length));
  });
}
