#!/usr/bin/env node
/** The command `lstm-wasm`. */

import { reasonOf } from '../util/errors.ts';
import { forecastFile } from './forecastFile.ts';
import { help, readCommand, UsageError } from './usage.ts';

try {
  const command = readCommand(process.argv.slice(2));
  if (command) await forecastFile(command);
  else process.stdout.write(help);
} catch (error) {
  const isUsage = error instanceof UsageError;
  process.stderr.write(`lstm-wasm: ${reasonOf(error)}${isUsage ? '; see lstm-wasm --help' : ''}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
