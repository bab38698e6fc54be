/** Downloads a file. */

/** Milliseconds after which every browser has started to write it. */
const hold = 60_000;

export function download(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(content);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), hold);
}
