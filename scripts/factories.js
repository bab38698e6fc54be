/**
 * Plugin of the build that puts the factories of `src/layers/factories.ts` beside the classes of their layers, in the files
 * of the package. Readers of model files use all layers, programs only some. A bundler that loads the readers later would
 * otherwise load at first all that they use, because it does not divide files.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../src/layers/factories.ts', import.meta.url)).replaceAll('\\', '/');
const ONLY = '?only=';

/** The statement of one factory. */
const statement = /^export const (\w+)\b[^;]*;$/gm;

export const factoriesApart = {
  name: 'factories-apart',
  enforce: /** @type {const} */ ('pre'),
  /** @param {string} source */
  resolveId: source => (source.startsWith(ONLY) ? file + source : null),
  /** @param {string} id */
  load(id) {
    const [path, only] = id.split(ONLY);
    if (path !== file) return null;
    const code = readFileSync(file, 'utf8');
    if (!only) {
      return code.replaceAll(statement, (_, name) => `import { ${name} } from '${ONLY}${name}';\nexport { ${name} };`);
    }
    const found = [...code.matchAll(statement)].find(([, name]) => name === only)?.[0];
    return `import { factory, factoryWithDefaults } from './factory.ts';\n${importOf(only).line}\n${found}\n`;
  },
};

/** Modules that all layers use. What else in the package uses them decides about their files. */
const common =
  /^(activations|apply|explicitMask|factories|factory|index|inputLayer|layer|layerOptions|namespace|parts|planDense|recurrent|registry|symbolicTensor|weightSpec|windows)$/;

/**
 * Files of the package for several classes.
 *
 * @type {Record<string, string>}
 */
const shared = {
  'layer-attention': 'attention attentionLayer multiHeadAttention',
  'layer-lstm': 'lstm lstmVariant',
  'layer-others': 'concatenate dot embedding merge pooling prelu repeatVector timeSteps',
  'layer-plain': 'activationLayers dense dropout flatten masking noise reshape timeDistributed',
  'layer-cell': 'cell cellBuffers',
  'layer-wrappers': 'bidirectional rnn',
};
const fileOf = new Map(Object.entries(shared).flatMap(([file, names]) => names.split(' ').map(name => [name, file])));

/** The file of the package for a module of `src/layers/`; null for others. @param {string} id */
export function layerFile(id) {
  const [path = '', only] = id.replaceAll('\\', '/').split(ONLY);
  const name = only ? importOf(only).module : /\/src\/layers\/(?:recurrent\/)?(\w+)\.ts$/.exec(path)?.[1];
  if (!name || common.test(name)) return null;
  return fileOf.get(name) ?? `layer-${name}`;
}

/** The line that imports the class of a factory, and the name of the module. @param {string} factory */
function importOf(factory) {
  const code = readFileSync(file, 'utf8');
  const name = new RegExp(`^export const ${factory}\\b[^;]*,\\s+(\\w+),?\\s*\\);$`, 'm').exec(code)?.[1];
  const line = new RegExp(`^import \\{[^}]*\\b${name}\\b[^}]*\\} from '.*?(\\w+)\\.ts';$`, 'm').exec(code);
  if (!name || !line?.[1]) throw new Error(`scripts/factories.js finds no class of layers.${factory}`);
  return { line: line[0], module: line[1] };
}
