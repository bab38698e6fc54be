/** Memory that threads share, and kernels that accept it. */

const PAGE_LIMITS = [65_536, 16_384, 4096];

/** A shared memory that can grow to at most 4 GiB; null if the host has none, as pages without cross-origin isolation. */
export function newSharedMemory(initial: number): { memory: WebAssembly.Memory; maximum: number } | null {
  if (typeof SharedArrayBuffer !== 'function') return null;
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false) return null;
  for (const maximum of PAGE_LIMITS) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum, shared: true }), maximum };
    } catch (error) {
      if (!(error instanceof RangeError)) return null;
    }
  }
  return null;
}

const IMPORTS = 2;
const MEMORY = 2;
const SHARED_WITH_MAXIMUM = 3;

/**
 * The kernels for a shared memory: their memory import has other limits, and the rest of the module is the same.
 *
 * @param maximum of the memory, in pages
 */
export function withSharedMemory(bytes: Uint8Array, maximum: number): Uint8Array<ArrayBuffer> {
  let at = 8; // after the magic number and the version
  const readUint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const skipName = () => {
    const length = readUint();
    at += length;
  };
  while (at < bytes.length) {
    const start = at;
    const id = bytes[at++];
    const end = readUint() + at;
    if (id !== IMPORTS) {
      at = end;
      continue;
    }
    const content = at;
    for (let count = readUint(); count > 0; count--) {
      skipName(); // of the module
      skipName(); // of the field
      if (bytes[at++] !== MEMORY) {
        readUint(); // the type of a function, the only other import
        continue;
      }
      const limits = at;
      const hasMaximum = (bytes[at++]! & 1) === 1;
      const initial = readUint();
      if (hasMaximum) readUint();
      const imports = [
        ...bytes.subarray(content, limits),
        SHARED_WITH_MAXIMUM,
        ...uint(initial),
        ...uint(maximum),
        ...bytes.subarray(at, end),
      ];
      const section = Uint8Array.of(IMPORTS, ...uint(imports.length), ...imports);
      return joined(bytes.subarray(0, start), section, bytes.subarray(end));
    }
  }
  return bytes.slice();
}

/** An unsigned LEB128. */
const uint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...uint(value >>> 7)]);

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((count, { length }) => count + length, 0));
  let next = 0;
  for (const part of parts) {
    all.set(part, next);
    next += part.length;
  }
  return all;
}
