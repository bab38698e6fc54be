/** Reads settings from the URL and from input fields. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { speeds } from '../../demo/pace.ts';
import {
  addressFaults,
  defaults,
  defaultsOf,
  ranges,
  readAddress,
  readRate,
  readWhole,
  type Settings,
  taskNames,
  type WholeName,
  writeAddress,
} from '../../demo/settings.ts';
import { tasks } from '../../demo/tasks/index.ts';
import { networkText, stateWarning } from '../../demo/texts.ts';

describe('the URL', () => {
  it('is empty for the default task, and names only the task with default settings', () => {
    expect(writeAddress(defaults)).toBe('');
    expect(readAddress('')).toEqual(defaults);
    for (const task of taskNames.slice(1)) {
      expect(writeAddress(defaultsOf(task))).toBe(`#task=${task}`);
      expect(readAddress(`#task=${task}`)).toEqual(defaultsOf(task));
    }
  });

  it('holds every setting', () => {
    const settings: Settings = {
      task: 'drawn',
      cell: 'gru',
      units: 7,
      layers: 3,
      timeSteps: 11,
      batch: 1,
      learningRate: 1 / 3,
      optimizer: 'sgd',
      stateful: false,
      seed: 2 ** 32 - 1,
      beside: true,
      own: 'a+b/c= &#%',
    };
    const address = writeAddress(settings);
    expect(readAddress(address)).toEqual(settings);
    expect(addressFaults(address)).toEqual([]);
    for (const name of Object.keys(settings)) expect(address).toContain(`${name}=`);
  });

  it('has invalid settings clamped and reported', () => {
    const wrong = '#task=adding&cell=ltsm&units=0&layers=2.5&timeSteps=&learningRate=nan&stateful=maybe&seed=-1&unit=3';
    expect(readAddress(wrong)).toEqual(defaultsOf('adding'));
    expect(addressFaults(wrong)).toHaveLength(8);
    expect(addressFaults('#task=cosinus')).toEqual(['The link has an invalid task: “cosinus”. The page uses hold.']);
    expect(addressFaults('#units=3&stateful=no')).toEqual([]);
  });
});

describe('an input field', () => {
  it('is clamped to its range, with a message', () => {
    expect(readWhole('units', '12', 20)).toEqual({ value: 12, fault: '' });
    expect(readWhole('units', '500', 20)).toEqual({
      value: 128,
      fault: 'Units must be a whole number from 1 to 128; 500 was changed to 128.',
    });
    expect(readWhole('layers', '1.6', 1).value).toBe(2);
    expect(readWhole('batch', '', 50)).toMatchObject({ value: 50, fault: expect.stringMatching('stays 50') });
    for (const name of Object.keys(ranges) as WholeName[]) {
      const [least, most] = ranges[name];
      expect([readWhole(name, '-1e99', least).value, readWhole(name, '1e99', least).value]).toEqual([least, most]);
    }
    expect(readRate('1e-4', 0.01)).toEqual({ value: 1e-4, fault: '' });
    for (const text of ['0', '-1', '2', 'fast', '']) expect(readRate(text, 0.01).value).toBe(0.01);
  });
});

it('warns about stateful settings only if they do not suit the task', () => {
  for (const name of taskNames) {
    const settings = defaultsOf(name);
    expect(stateWarning(settings, tasks[name])).toBe('');
    expect(stateWarning({ ...settings, stateful: !settings.stateful }, tasks[name])).toMatch(/^Stateful is o/);
  }
});

it('the description of the network uses singular and plural', () => {
  const textOf = (settings: Partial<Settings>) => networkText({ ...defaults, ...settings }, tasks.cosine);
  expect(textOf({ units: 1, batch: 1 })).toMatch(
    /^There is one layer of 1 LSTM unit, .* a batch of 1 row of 40 time steps/,
  );
  expect(textOf({ layers: 2, cell: 'gru' })).toMatch(/^There are 2 layers of 16 GRU units each, .* of 32 rows of 40/);
});

it('the HTML of the page contains the default settings, for the first paint', () => {
  const page = readFileSync(new URL('../../demo/index.html', import.meta.url), 'utf8');
  const html = page.replace(/\s+/g, ' ');
  for (const name of taskNames) expect(html).toMatch(`value="${name}"`);
  for (const name of taskNames) expect(html).toMatch(`<span>${tasks[name].title}</span>`);
  expect(html).toContain(`> ${tasks[defaults.task].about} <`);
  for (const name of Object.keys(ranges) as WholeName[]) {
    const [least, most] = ranges[name];
    const range = `min="${least}" max="${most}" value="${defaults[name]}"`;
    expect(html).toMatch(new RegExp(`name="${name}" type="(range|number)" ${range}`));
  }
  expect(html).toContain(`value="${defaults.learningRate}"`);
  expect(html).toMatch(`id="speed" type="range" min="0" max="${speeds.length - 1}"`);
});
