/**
 * Sizes of axes, of which batch and time may be open: a number, or a product such as 'batch' or '5*batch'. Supports
 * only the arithmetic that shapes need; returns null if a result is unknown.
 */

/** A number, or the name of an open size: factors joined by '*', first a number, then sorted names. */
export type Size = number | string;

/** The maximum length of a product; longer ones cannot be sizes of axes. */
const MOST_FACTORS = 4;

interface Product {
  readonly scale: number;
  readonly names: readonly string[];
}

function productOf(size: Size): Product {
  if (typeof size === 'number') return { scale: size, names: [] };
  const factors = size.split('*');
  const scale = Number(factors[0]);
  return Number.isNaN(scale) ? { scale: 1, names: factors } : { scale, names: factors.slice(1) };
}

function sizeOfProduct({ scale, names }: Product): Size | null {
  if (names.length === 0 || scale === 0) return scale;
  if (names.length > MOST_FACTORS || !Number.isSafeInteger(scale)) return null;
  return [...(scale === 1 ? [] : [scale]), ...[...names].sort()].join('*');
}

export function multiplied(a: Size, b: Size): Size | null {
  const [left, right] = [productOf(a), productOf(b)];
  return sizeOfProduct({ scale: left.scale * right.scale, names: [...left.names, ...right.names] });
}

/** Integer division; open sizes must be divisible without remainder. */
export function divided(a: Size, b: Size): Size | null {
  if (b === 0) return null;
  if (typeof a === 'number' && typeof b === 'number') return Math.trunc(a / b);
  const [left, right] = [productOf(a), productOf(b)];
  const names = [...left.names];
  for (const name of right.names) {
    const at = names.indexOf(name);
    if (at < 0) return null;
    names.splice(at, 1);
  }
  const scale = left.scale / right.scale;
  return Number.isInteger(scale) ? sizeOfProduct({ scale, names }) : null;
}

export function added(a: Size, b: Size): Size | null {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a === 0) return b;
  if (b === 0) return a;
  const [left, right] = [productOf(a), productOf(b)];
  if (left.names.join('*') !== right.names.join('*')) return null;
  return sizeOfProduct({ scale: left.scale + right.scale, names: left.names });
}

/** 1 if they are equal, otherwise 0; null if unknown. An open size is at least 1. */
export function equals(a: Size, b: Size): Size | null {
  if (a === b) return 1;
  if (typeof a === 'number' && typeof b === 'number') return 0;
  const [number, open] = typeof a === 'number' ? [a, b] : [b, a];
  return typeof number === 'number' && number <= 0 && productOf(open).scale > 0 ? 0 : null;
}

/** Substitutes a known batch size. */
export function withBatch(size: Size, batch: number): Size {
  const { scale, names } = productOf(size);
  const open = names.filter(name => name !== 'batch');
  return sizeOfProduct({ scale: scale * batch ** (names.length - open.length), names: open }) ?? size;
}
