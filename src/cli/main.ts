#!/usr/bin/env node
/** The command `lstm-wasm`. */

import { reasonOf } from '../util/errors.ts';
import { forecastFile } from './forecastFile.ts';
import { help, readCommand, UsageError } from './usage.ts';

try {
  const words = process.argv.slice(2);
  if (words[0] === 'worker') {
    await (await import('./worker.ts')).runWorker(words.slice(1));
  } else {
    const command = readCommand(words);
    if (command) await forecastFile(command);
    else process.stdout.write(help);
  }
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(
    `lstm-wasm: ${reasonOf(error)}${isUsage ? `; see lstm-wasm ${process.argv[2] === 'worker' ? 'worker ' : ''}--help` : ''}\n`,
  );
  process.exitCode = isUsage ? 2 : 1;
}
