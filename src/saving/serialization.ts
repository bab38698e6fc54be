/** The namespace `serialization`: classes of layers that files may name. */

import { CustomLayer } from '../layers/custom/customLayer.ts';
import { rejectBuiltIn } from '../layers/registry.ts';
import { limitArgumentsInTable } from '../util/arguments.ts';
import { addCustomClass, type CustomClass } from '../util/customClasses.ts';
import { fail, show } from '../util/errors.ts';

/** A class that extends `layers.Layer`. */
export interface CustomLayerClass {
  /** The name of the class in files. */
  readonly className: string;
  new (config: never): CustomLayer;
}

export const serialization = /* @__PURE__ */ limitArgumentsInTable('serialization', {
  /**
   * Lets files with layers of a class be read: a class that extends `layers.Layer` and has a static `className`. A class that
   * is registered later under the same name replaces it.
   *
   * @throws ValueError for other classes, and for the name of a built-in layer
   */
  registerClass(layerClass: CustomLayerClass): void {
    const call = 'serialization.registerClass';
    if (typeof layerClass !== 'function' || !(layerClass.prototype instanceof CustomLayer)) {
      fail(call, `the class must extend layers.Layer, got ${show(layerClass)}`);
    }
    const name: unknown = layerClass.className;
    if (!Object.hasOwn(layerClass, 'className') || typeof name !== 'string' || name === '' || name.includes('>')) {
      fail(call, `the class must have a static className, a string without '>', got ${show(name)}`);
    }
    rejectBuiltIn(call, name);
    addCustomClass(layerClass as unknown as CustomClass);
  },
});
