/**
 * The groups into which scripts/split.js divides the kernels. A program carries those whose layers it imports, and the core.
 * The module of a group is in src/wasm/modules/; who needs it calls `useKernels`.
 */

/**
 * What belongs to a group: exports that begin with one of these words, or with "pack" or "unpack" before it.
 */
const beginnings = {
  activations: ['activateStrided', 'activation', 'logSoftmax', 'softmax'],
  constraints: ['boundNorms', 'nonNegative', 'penalty'],
  dropout: ['dropout'],
  losses: ['lossEnd', 'lossRows', 'lossStart', 'metric', 'otherLoss', 'weightedMean'],
  optimizers: ['otherStep'],

  gru: ['gru'],
  minRnn: ['minRnn'],
  simpleRnn: ['simpleRnn'],
  lstmVariants: ['lstmVariant', 'gates', 'projection'],
  conv: ['conv1d'],
  attention: ['attention'],
  normalization: ['batchNormalization', 'layerNormalization', 'fold'],
  others: ['combine', 'dot', 'embedding', 'merge', 'place', 'pool', 'prelu', 'repeat', 'stretch', 'transpose'],
};

/** What only training needs of the layers in the core, and its own kernels. */
const training = [
  /^(clear|dense|join|lstm|masking|reshape|scale)Backward/,
  /^lstm(Cells|States|Sweep|Transpose)/,
  /^(countedRows|loss)/,
  /^(checkGradients|clearGradients|isOutside|setBound|setExtras|setRule|setStart|setUpdateMemory|update)/,
  /^(clamp|scale)$/,
];

/**
 * Functions that other groups call through the table, so that they do not contain them. A program that uses them must have
 * the group: without it, the call traps.
 */
export const late = [
  'activateStrided',
  'dropoutMask',
  'logSoftmaxBackward',
  'logSoftmaxRows',
  'loss',
  'otherLoss',
  'otherStep',
  'softmaxBackward',
  'softmaxRows',
];

export const groupNames = ['core', 'training', ...Object.keys(beginnings)];

/** The group of an exported function. @param {string} name */
export function groupOf(name) {
  const plain = name.replace(/^(?:un)?pack(?=[A-Z])/, '');
  const begins = (/** @type {string} */ word) => plain.toLowerCase().startsWith(word.toLowerCase());
  for (const [group, words] of Object.entries(beginnings)) if (words.some(begins)) return group;
  return training.some(pattern => pattern.test(name)) ? 'training' : 'core';
}

/** The group of a plan structure: that of the kernel that reads it. @param {string} name */
export const groupOfStructure = name => groupOf(name === 'loss' ? name : `${name}Forward`);
