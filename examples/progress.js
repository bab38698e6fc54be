/**
 * Progress of a long run: a bar with steps per second in a terminal; elsewhere a line every two seconds.
 * @param {number} total steps
 */
export function progressBar(total) {
  const stream = process.stdout;
  const width = 28;
  let lastUpdate = 0;
  let line = '';
  const clear = () => line && stream.write('\r\x1b[2K');
  return {
    /**
     * Prints a line above the bar.
     * @param {string} text
     */
    say(text) {
      clear();
      console.log(text);
      if (line) stream.write(line);
    },
    /**
     * @param {number} step steps done
     * @param {number} rate steps per second
     * @returns {boolean} whether the program should yield to the event loop
     */
    update(step, rate) {
      const now = performance.now();
      if (!stream.isTTY) {
        if (step < total && now - lastUpdate < 2000) return step % 50 === 0;
        lastUpdate = now;
        console.log(`step ${step} of ${total}, ${Math.round(rate)} steps/s`);
        return true;
      }
      if (step < total && now - lastUpdate < 50) return false;
      lastUpdate = now;
      const filled = Math.round((width * step) / total);
      line = `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${step}/${total}  ${Math.round(rate)} steps/s`;
      stream.write(`\r\x1b[2K${line}`);
      return true;
    },
    end() {
      if (line) stream.write('\n');
      line = '';
    },
  };
}
