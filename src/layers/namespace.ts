/**
 * The namespace `layers`: the factories, and the base class of custom layers. Readers of files import the factories alone, so
 * that programs without custom layers do not contain them.
 */

export { CustomLayer as Layer } from './custom/customLayer.ts';
export * from './factories.ts';
