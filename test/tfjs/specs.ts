/** Layers and graphs as plain data, from which `build` makes those of either library. */

export type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };

/**
 * A layer or cell: `layers.${kind}(config)`; `layer` and `cells` are those of wrappers and rnn. Or a nested model, of the kind
 * 'model' with a graph, or 'sequential' with layers.
 */
export interface Spec {
  kind: string;
  config: Record<string, Json>;
  layer?: Spec;
  cells?: Spec[];
  /** Of a nested model. */
  graph?: Graph;
  layers?: Spec[];
}

/** The values are numbered: first the inputs, then the outputs of each call. */
export interface Graph {
  inputs: { name: string; shape: (number | null)[] }[];
  layers: Spec[];
  calls: { layer: number; inputs: number[]; initialState: number[]; masked: boolean }[];
  outputs: number[];
}
