/** Builds models, layers and optimizers from plain data; the reverse of `getConfig`. */

import '../../core/full.ts';
import * as layers from '../../layers/factories.ts';
import type { Layer } from '../../layers/layer.ts';
import { Sequential } from '../../model/sequential.ts';
import { type Optimizer, train } from '../../optimizers/index.ts';
import { schedules } from '../../optimizers/schedules.ts';
import { type Config, type ConfigValue, fromPython } from '../../util/config.ts';
import { customClassOf } from '../../util/customClasses.ts';
import { factoryNameOf, show } from '../../util/errors.ts';
import { customLayer } from './customLayers.ts';
import { checkDepth, type FilePath, failAt, isObject, withFilePath, within } from './filePath.ts';

type Factory = (options?: never) => unknown;
type Factories = { readonly [name: string]: Factory };

/** Builds a model from `{ className: 'Sequential', config }`, with names in snake case or camel case. */
export function modelFrom(location: FilePath, topology: unknown, seed?: number): Sequential {
  checkDepth(location, topology);
  const { className, config } = readDescribed(location, fromPython(topology as ConfigValue));
  if (className !== 'Sequential') {
    failAt(location, `class_name must be 'Sequential', got ${show(className)}`);
  }
  // Old versions of Keras wrote only the list
  const list = Array.isArray(config) ? config : (config as Config).layers;
  if (!Array.isArray(list)) failAt(within(location, 'config.layers'), `must be a list, got ${show(list)}`);
  const { name } = config as Config;
  const made = (list as ConfigValue[]).map((item, n) => layerFrom(within(location, `config.layers[${n}]`), item));
  const options = { layers: made, ...(typeof name === 'string' && name && { name }), seed };
  return withFilePath(within(location, 'config'), () => new Sequential(options));
}

/** Builds a layer from `{ className, config }`. */
export function layerFrom(location: FilePath, described: unknown): Layer {
  const { className, config } = readDescribed(location, described);
  const custom = customClassOf(className);
  if (custom) return customLayer(location, custom, config as Config);
  const inner = within(location, 'config');
  const options: Record<string, unknown> = optionsFrom(inner, config as Config);
  if (className === 'InputLayer') {
    delete options.trainable;
  } else if (className === 'Bidirectional' || className === 'TimeDistributed') {
    options.layer = layerFrom(within(inner, 'layer'), config.layer);
    if (config.backwardLayer) options.backwardLayer = layerFrom(within(inner, 'backwardLayer'), config.backwardLayer);
    if (config.mergeMode === null) options.mergeMode = null; // null differs from the default
  } else if (className === 'RNN') {
    options.cell = cellFrom(within(inner, 'cell'), config.cell);
    // TF.js repeats the options of the cell among those of the layer
    const { config: cellConfig } = config.cell as { config: Config };
    for (const name of Object.keys(cellConfig)) if (!independentOptions.includes(name)) delete options[name];
  }
  return make(location, layers as unknown as Factories, className, options, cells, REGISTER) as Layer;
}

const REGISTER = '; register classes of your own with serialization.registerClass; they do not run in workers';

/** Options that a cell and its layer have independently. */
const independentOptions = ['name', 'trainable', 'dtype'];

const cells = ['lstmCell', 'gruCell', 'simpleRNNCell', 'stackedRNNCells'];

function cellFrom(location: FilePath, described: unknown): unknown {
  const { className, config } = readDescribed(location, described);
  const inner = within(location, 'config');
  if (className === 'StackedRNNCells') {
    const list = config.cells;
    if (!Array.isArray(list)) failAt(within(inner, 'cells'), `must be a list, got ${show(list)}`);
    const made = (list as ConfigValue[]).map((item, n) => cellFrom(within(inner, `cells[${n}]`), item));
    return withFilePath(location, () => layers.stackedRNNCells({ cells: made as never }));
  }
  const { name, trainable, dtype, ...options } = optionsFrom(inner, config);
  const others = Object.keys(layers).filter(factory => !cells.includes(factory));
  return make(location, layers as unknown as Factories, className, options, others);
}

/** Builds an optimizer from `{ className, config }`. */
export function optimizerFrom(location: FilePath, described: unknown): Optimizer {
  const { className, config } = readDescribed(location, described);
  const { name, isLegacyOptimizer, ...options } = optionsFrom(within(location, 'config'), config);
  const factories = Object.fromEntries(Object.entries(train).map(([key, factory]) => [key, factory as Factory]));
  return make(location, factories, className.toLowerCase(), options) as Optimizer;
}

/** Converts a config to the options of a factory: drops null values and nested layers, and builds learning rate schedules. */
function optionsFrom(location: FilePath, config: Config): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(config)) {
    if (value === null) continue;
    if (['layer', 'backwardLayer', 'cell'].includes(name)) continue;
    Object.defineProperty(options, name, { value: valueFrom(within(location, name), name, value), ...dataProperty });
  }
  return options;
}

/** The attributes of a property; defined explicitly, because a file may contain names such as __proto__. */
const dataProperty = { enumerable: true, configurable: true, writable: true };

/** Class names that are not the capitalized name of their factory. */
const classNames: { readonly [factory: string]: string } = {
  elu: 'ELU',
  gru: 'GRU',
  gruCell: 'GRUCell',
  lstm: 'LSTM',
  lstmCell: 'LSTMCell',
  prelu: 'PReLU',
  rnn: 'RNN',
  sgd: 'SGD',
  step: 'PiecewiseConstantDecay',
};

/** Builds a learning rate schedule; returns other values unchanged. */
function valueFrom(location: FilePath, name: string, value: ConfigValue): unknown {
  if (name !== 'learningRate' || typeof value !== 'object' || value === null) return value;
  const { className, config } = readDescribed(location, value);
  const options = optionsFrom(within(location, 'config'), config);
  return make(location, schedules as unknown as Factories, className, options);
}

/** Calls the factory of a class; its errors name the path in the file. */
function make(
  location: FilePath,
  factories: Factories,
  className: string,
  options: object,
  without: readonly string[] = [],
  advice = '',
): unknown {
  const name = Object.keys(classNames).find(factory => classNames[factory] === className) ?? factoryNameOf(className);
  const known = Object.keys(factories).filter(factory => !without.includes(factory));
  if (!known.includes(name))
    failAt(location, `unknown class ${show(className)}; known: ${known.map(classOf).join(', ')}${advice}`);
  return withFilePath(location, () => factories[name]!(options as never));
}

/** The class name of a factory. */
const classOf = (factory: string) =>
  classNames[factory] ?? factory.charAt(0).toUpperCase() + factory.slice(1).replace(/1d$/, '1D');

function readDescribed(location: FilePath, value: unknown): { className: string; config: Config } {
  const { className, config } = (isObject(value) ? value : {}) as { className?: unknown; config?: unknown };
  if (typeof className !== 'string' || !isObject(config)) {
    failAt(location, `must be { class_name, config }, got ${show(value)}`);
  }
  return { className: className as string, config: config as Config };
}
