// Builds ONNX files from nodes and tensors.

import {
  type AttributeValue,
  attribute as attributeOf,
  type Draft,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  writeModel,
} from '../../src/onnx/proto.ts';

export type GraphParts = Draft<GraphProto>;

export const attribute = (name: string, value: AttributeValue) => attributeOf(name, value);

export const node = (
  opType: string,
  input: string[],
  output: string[],
  attributes: ReturnType<typeof attribute>[] = [],
): Draft<NodeProto> => ({ name: `${opType}_${output.find(Boolean)}`, opType, input, output, attribute: attributes });

export const floats = (name: string, dims: number[], floatData: number[]): Draft<TensorProto> => ({
  name,
  dims,
  dataType: 1,
  floatData,
});

export const ints = (name: string, int64Data: number[]): Draft<TensorProto> => ({
  name,
  dims: [int64Data.length],
  dataType: 7,
  int64Data,
});

/** A graph from 'x' [batch, 3] to 'y', unless the parts say otherwise. */
export const modelOf = (parts: GraphParts, more: Draft<ModelProto> = {}): Uint8Array =>
  writeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'graph',
      input: [
        { name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'batch' }, { dimValue: 3 }] } } } },
      ],
      output: [{ name: 'y' }],
      ...parts,
    },
    ...more,
  });
