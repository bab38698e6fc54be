import { expect, test } from 'vitest';
import { animation } from '../../src/plot/node.ts';
import { frames } from './scenes.ts';
import { parseXML } from './xml.ts';

const animates = (svg: string) => parseXML(svg).filter(tag => tag.name.startsWith('animate'));

test('all animated parts have the same duration and repeat indefinitely', () => {
  const parts = animates(animation(frames, { duration: 6, hold: 2 }));
  expect(parts.map(part => part.attributes.attributeName)).toEqual(['d', 'd', 'transform', 'width']);
  for (const { attributes } of parts) {
    expect(attributes).toMatchObject({ dur: '8s', repeatCount: 'indefinite' });
    const times = attributes.keyTimes!.split(';').map(Number);
    expect(times).toHaveLength(attributes.values!.split(';').length);
    expect(times[0]).toBe(0);
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
  }
});

test('the last frame is held, and viewers without animation show it', () => {
  const svg = animation(frames, { duration: 6, hold: 2 });
  const [target] = animates(svg);
  const values = target!.attributes.values!.split(';');
  const times = target!.attributes.keyTimes!.split(';').map(Number);
  expect(values).toHaveLength(52);
  expect(values.at(-1)).toBe(values.at(-2));
  expect(times.slice(-2)).toEqual([0.75, 1]);
  const lines = parseXML(svg).filter(tag => tag.name === 'path' && tag.attributes.d === values.at(-1));
  expect(lines).toHaveLength(2);
  expect(svg).toContain('prefers-reduced-motion');
  expect(svg).toMatch(/<g transform="translate\(0 -1200\)"/);
});

test('an animation of one frame is a still picture', () => {
  const svg = animation(frames.slice(-1));
  expect(animates(svg)).toHaveLength(0);
  expect(svg).not.toContain('<style');
  expect(svg).toContain('step 500');
});

test('without hold, the animation repeats right after the last frame', () => {
  for (const { attributes } of animates(animation(frames, { hold: 0 }))) {
    const times = attributes.keyTimes!.split(';').map(Number);
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
    expect(attributes.dur).toBe('8s');
  }
});

test('a moving time window is drawn from its start, and a fixed one at its position', () => {
  expect(animation(frames)).toContain('time since the start of the sequence');
  const still = animation(frames.map(frame => ({ ...frame, time: frames[0]!.time })));
  expect(still).toContain('>time</text>');
  expect(animation(frames, { xLabel: 'seconds' })).toContain('>seconds</text>');
});

test('an animation accepts any named lines, and its axis covers the values of all frames', () => {
  const svg = animation([
    { actual: [270, 280], naive: [265, 275] },
    { actual: [271, 281], naive: [290, 300] },
  ]);
  const attributes = animates(svg).map(part => part.attributes.attributeName);
  expect(attributes.filter(name => name === 'd')).toHaveLength(2);
  expect(svg).toContain('>naive</text>');
  for (const label of ['270', '300']) expect(svg).toContain(`>${label}</text>`);
});
