/** Numbers with a shape, in row-major order: the tensors of fixtures and references. */
export interface Block {
  shape: number[];
  data: Float64Array;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** A block of a copy of these numbers, or of zeros. */
export function block(shape: readonly number[], values?: ArrayLike<number>): Block {
  const data = values ? new Float64Array(values) : new Float64Array(sizeOf(shape));
  if (data.length !== sizeOf(shape)) {
    throw new Error(`block: values must fill the shape [${shape}], got ${data.length} of them`);
  }
  return { shape: [...shape], data };
}
