/**
 * Every code block in README.md and docs/ compiles as strict TypeScript, runs, prints the output shown below it and
 * draws the picture beside it, or states why it does not run. `scripts/documents.js` defines how blocks state that.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, documents, isProgram, root, run } from '../../scripts/documents.js';

const files = documents();
const blocks = files.flatMap(blocksOf);
const guide = files.filter(file => file.startsWith('docs/guide/') && !file.endsWith('/index.md'));
const committed = `${root}docs/guide/pictures/`;
const nameOf = ({ file, line }: { file: string; line: number }) => `${file}:${line}`;

describe('blocks of code', () => {
  it('every code block has a known language, and one that is not run gives a reason', () => {
    const notRun = blocks.filter(block => !isProgram(block) && !['sh', 'html'].includes(block.language));
    for (const block of notRun) {
      expect(`${nameOf(block)} ${block.language} ${block.words}`).toMatch(
        / (js|jsx|vue|ts|python)( without types,)? not run: [\w/.]+ \w+ \w+/,
      );
    }
    expect(notRun.length).toBeLessThanOrEqual(7);
  });

  it('every code block compiles under tsc --strict', { timeout: 120_000 }, () => {
    const folder = `${root}build/typed/`; // inside the package, so that programs can import the package by name
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const written = blocks.filter(
      ({ language, words }) => ['js', 'ts'].includes(language) && !words.startsWith('without types'),
    );
    expect(written.length).toBeGreaterThanOrEqual(25);
    const names = written.map(block => {
      const name = `${basename(block.file, '.md')}-${block.line}.mts`;
      // Blank lines, so that errors have the line numbers of the document.
      writeFileSync(folder + name, '\n'.repeat(block.line - 1) + block.code);
      return name;
    });
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2023',
      module: 'nodenext',
      types: ['node'],
      moduleDetection: 'force',
      skipLibCheck: true, // tarball.test.ts checks the libraries
    };
    writeFileSync(`${folder}tsconfig.json`, JSON.stringify({ compilerOptions, files: names }));
    const args = [`${root}node_modules/typescript/bin/tsc`, '-p', folder];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  });

  it('every shell command names an existing script', () => {
    const { bin, scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.trim().split('\n'));
    expect(commands.length).toBeGreaterThanOrEqual(5);
    for (const command of commands) {
      const [, program, word = '', name = ''] = /^(npm|npx|node) (\S+)(?: (\S+))?/.exec(command) ?? [command];
      if (program === 'npx') expect(Object.keys(bin), command).toContain(word);
      else if (program === 'node') expect(existsSync(root + word), command).toBe(true);
      else if (word === 'install') expect(['lstm-wasm', 'h5wasm', 'vega-datasets'], command).toContain(name);
      else expect(Object.keys(scripts), command).toContain(word === 'run' ? name : word);
    }
  });
});

// readme.test.ts runs those of README.md and of the tutorial, and test/browser/readme.test.ts its pages.
describe('programs', () => {
  const programs = blocks.filter(block => isProgram(block) && !['README.md', 'docs/tutorial.md'].includes(block.file));

  it.each(programs.map(block => ({ ...block, name: nameOf(block) })))('$name runs', async block => {
    const { output, folder } = await run(block);
    if (block.output) expect(output).toBe(block.output.code);
    const drawn = existsSync(`${folder}out`) ? readdirSync(`${folder}out`).filter(name => name.endsWith('.svg')) : [];
    for (const name of drawn) {
      const svg = readFileSync(`${folder}out/${name}`, 'utf8');
      expect(svg).toMatch(/^<svg /);
      // Programs with documented output are deterministic; the others measure time.
      if (block.output) expect(svg === readFileSync(committed + name, 'utf8'), `${name} is as committed`).toBe(true);
    }
    if (block.file.startsWith('docs/guide/')) expect(drawn.sort()).toEqual(picturesOf(block.file).sort());
  });
});

/** The pictures of `docs/guide/pictures` on a page, which all have a description. */
function picturesOf(file: string): string[] {
  const shown = readFileSync(root + file, 'utf8').matchAll(/^!\[[^\]]{20,}\]\(pictures\/(\S+\.svg)\)$/gm);
  return Array.from(shown, ([, name]) => name!);
}

describe('the guide', () => {
  it('has twenty-one pages, each with one program and its pictures', () => {
    expect(guide).toHaveLength(21);
    const shown = guide.flatMap(file => {
      expect(blocksOf(file).filter(isProgram), file).toHaveLength(1);
      const pictures = picturesOf(file);
      expect(pictures.length, file).toBeGreaterThanOrEqual(1);
      return pictures;
    });
    expect(readdirSync(committed).sort()).toEqual(shown.sort());
    const sizes = shown.map(name => statSync(committed + name).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(400_000);
  });

  it('has lines of code of at most 80 characters', () => {
    const long = guide.flatMap(file =>
      blocksOf(file).flatMap(({ line, code }) =>
        code.split('\n').flatMap((text, n) => (text.length > 80 ? [`${file}:${line + n}`] : [])),
      ),
    );
    expect(long).toEqual([]);
  });

  it('is listed in its index', () => {
    const index = readFileSync(`${root}docs/guide/index.md`, 'utf8');
    const listed = [...index.matchAll(/^\| \[[^\]]+\]\((\S+\.md)\)/gm)].map(([, name]) => `docs/guide/${name}`);
    expect(listed.sort()).toEqual([...guide].sort());
  });
});

it.each(files)('all links of %s lead to existing files', file => {
  const text = readFileSync(root + file, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [path = '', anchor] = target.split('#');
    const to = path === '' ? file : join(dirname(file), path);
    expect(existsSync(root + to), target).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(to), target).toContain(anchor);
  }
});

/** The anchors that GitHub makes from headings. */
const anchorsOf = (file: string) =>
  [...readFileSync(root + file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
