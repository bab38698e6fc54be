/** A progress bar on stderr. */

const WIDTH = 24;

export interface ProgressBar {
  /** @param share from 0 to 1 */
  show(share: number, what: string): void;
  /** Removes the bar. */
  clear(): void;
}

/** Draws only on a terminal, so that logs stay readable. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): ProgressBar {
  const write = (text: string) => void (stream.isTTY && stream.write(text));
  return {
    show(share, what) {
      const full = Math.round(WIDTH * Math.min(1, share));
      write(`\r\x1b[K[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${what}`);
    },
    clear: () => write('\r\x1b[K'),
  };
}
