/**
 * Prints the lines of code of each area of the repository, without blank lines and comments, and fails if the core
 * exceeds its budget. CONTRIBUTING.md says what belongs in the core.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Maximum lines of code of the core of src/ and of the kernels. Raise a limit only in the commit that needs it. */
const budgets = { 'src core': 23_200, assembly: 8_920 };

/** Folders of src/ that are subpaths of the package, not core. */
const subpaths = ['cli', 'data', 'forecast', 'keras', 'onnx', 'plot', 'predict', 'safetensors', 'scale', 'worker'];

/** The area that a file belongs to; undefined if it is not counted. @param {string} path */
function areaOf(path) {
  const [top = '', folder = ''] = path.split('/');
  if (top !== 'src') return ['assembly', 'test', 'verify', 'bench', 'scripts', 'demo'].find(area => area === top);
  return subpaths.includes(folder) ? `src/${folder}` : 'src core';
}

/** @param {string} text */
function codeLines(text) {
  const withoutBlocks = text.replaceAll(/^\s*\/\*[\s\S]*?\*\/[ \t]*$/gm, '');
  return withoutBlocks.split('\n').filter(line => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

/** @returns {Map<string, { files: number, lines: number }>} by area */
function count() {
  const areas = new Map();
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  for (const path of tracked.split('\n').filter(name => /\.[jt]s$/.test(name) && !name.includes('.generated.'))) {
    const area = areaOf(path);
    if (!area) continue;
    const { files, lines } = areas.get(area) ?? { files: 0, lines: 0 };
    areas.set(area, { files: files + 1, lines: lines + codeLines(readFileSync(root + path, 'utf8')) });
  }
  return areas;
}

const areas = count();
for (const [area, { files, lines }] of [...areas].sort(([a], [b]) => a.localeCompare(b))) {
  console.log(`${area.padEnd(16)}${String(lines).padStart(7)} lines ${String(files).padStart(5)} files`);
}
for (const [area, budget] of Object.entries(budgets)) {
  const { lines } = areas.get(area) ?? { lines: 0 };
  if (lines <= budget) continue;
  console.error(`scripts/lines.js: ${area} must have at most ${budget} lines of code, got ${lines}`);
  process.exitCode = 1;
}
