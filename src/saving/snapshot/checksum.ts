/** CRC-32, the checksum of snapshots and zip files. */

/** tables[k][b]: the contribution of byte b to the checksum, k bytes before the end of a group of eight. */
const tables = Array.from({ length: 8 }, () => new Int32Array(256));

for (let byte = 0; byte < 256; byte++) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  tables[0]![byte] = rest;
}
for (let k = 1; k < 8; k++) {
  for (let byte = 0; byte < 256; byte++) {
    const before = tables[k - 1]![byte]!;
    tables[k]![byte] = (before >>> 8) ^ tables[0]![before & 255]!;
  }
}

/**
 * The CRC-32 of some bytes, computed eight at a time.
 *
 * @param bytes must start at a multiple of 4 in their buffer
 * @returns an integer from 0 to 2^32 - 1
 */
export function checksum(bytes: Uint8Array): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 8) * 2);
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  let sum = -1;
  for (let n = 0; n < words.length; n += 2) {
    const low = words[n]! ^ sum;
    const high = words[n + 1]!;
    const first = t7[low & 255]! ^ t6[(low >>> 8) & 255]! ^ t5[(low >>> 16) & 255]! ^ t4[low >>> 24]!;
    const second = t3[high & 255]! ^ t2[(high >>> 8) & 255]! ^ t1[(high >>> 16) & 255]! ^ t0[high >>> 24]!;
    sum = first ^ second;
  }
  for (let n = words.byteLength; n < bytes.length; n++) sum = (sum >>> 8) ^ t0[(sum ^ bytes[n]!) & 255]!;
  return ~sum >>> 0;
}
