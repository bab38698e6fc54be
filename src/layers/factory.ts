/** What the factories of layers share. */

import { limitArguments } from '../util/arguments.ts';

/** The factory of a class whose options are required. */
export const factory = <O, L>(name: string, LayerClass: new (options: O) => L): ((options: O) => L) =>
  limitArguments(`layers.${name}`, (options: O) => new LayerClass(options));

/** The factory of a class all of whose options have defaults. */
export const factoryWithDefaults = <O, L>(name: string, LayerClass: new (options?: O) => L): ((options?: O) => L) =>
  limitArguments(`layers.${name}`, (options?: O) => new LayerClass(options));
