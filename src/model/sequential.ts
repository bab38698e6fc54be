/** Sequential models: a stack of layers. */

import type { Layer } from '../layers/layer.ts';
import { limitMethodArguments, rejectExtraArguments } from '../util/arguments.ts';
import { type Config, serialize } from '../util/config.ts';
import { fail } from '../util/errors.ts';
import { nextNumber } from '../util/numbering.ts';
import { globalSeeds } from '../util/random.ts';
import { LayersModel } from './layersModel.ts';
import { ModelView } from './modelView.ts';
import { readSequentialArgs, type SequentialArgs, stackOf } from './sequentialArgs.ts';
import type { Stack } from './stack.ts';

/** A stack of layers; create one with `sequential()`. */
export class Sequential extends LayersModel {
  /** @param view of existing layers; used by `withBatchSize` only */
  constructor(options?: SequentialArgs, view?: ModelView) {
    const { layers = [], name, seed } = readSequentialArgs(options);
    const own = view ?? globalSeeds.rollBackOnError(() => new ModelView(stackOf(layers, seed)));
    super('Sequential', name ?? `sequential_${nextNumber('sequential')}`, own);
  }

  get #stack(): Stack {
    return this.view.state as Stack;
  }

  /** Adds a layer at the end. The first layer needs an `inputShape` or a `batchInputShape`. */
  add(layer: Layer): void {
    if ((layer as unknown) === this) fail('model.add', `layer must not be the model itself, got '${this.name}'`);
    this.view.changeLayers('model.add', call => this.#stack.push(call, layer));
  }

  /** Removes the last layer. */
  pop(): void {
    this.view.changeLayers('model.pop', call => this.#stack.pop(call));
  }

  override getConfig(): Config {
    const { name, layers } = this;
    return { name, layers: layers.map(layer => serialize(layer)) };
  }

  /** @internal */
  protected override withView(name: string, view: ModelView): this {
    return new Sequential({ name }, view) as this;
  }
}

limitMethodArguments(Sequential, 'model');

/** A new model: a stack of layers. */
export function sequential(options?: SequentialArgs): Sequential {
  rejectExtraArguments('sequential', 1, arguments);
  return new Sequential(options);
}
