/** Ticks of time axes, in UTC, and their labels. Replaces d3's time scale, which would add 6 KB to a bundle. */

import { scaleLinear } from 'd3-scale';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
export const day = 24 * hour;
const week = 7 * day;
/** Steps of varying length. */
const [month, year] = [(365.25 / 12) * day, 365.25 * day];

const steps = [
  ...[1, 5, 15, 30].map(count => count * second),
  ...[1, 5, 15, 30].map(count => count * minute),
  ...[1, 3, 6, 12].map(count => count * hour),
  ...[day, 2 * day, week, month, 3 * month, year],
];
/** The first Sunday, from which weeks count; other steps count from 1970. */
const sunday = 3 * day;

/** About `count` tick times, in milliseconds. */
export function roundTimes([low, high]: readonly [number, number], count: number): number[] {
  const wanted = (high - low) / count;
  const step = steps.reduce((best, step) => (distance(step, wanted) < distance(best, wanted) ? step : best));
  if (wanted < second) return scaleLinear([low, high], [0, 1]).ticks(count);
  if (wanted >= year) return yearsOf(low, high, count);
  if (step >= month) return monthsOf(low, high, Math.round(step / month));
  const offset = step === week ? sunday : 0;
  const first = Math.ceil((low - offset) / step) * step + offset;
  return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, n) => first + n * step);
}

const distance = (a: number, b: number) => Math.abs(Math.log(a / b));

function yearsOf(low: number, high: number, count: number): number[] {
  const yearOf = (time: number) => 1970 + monthOf(time) / 12;
  const years = scaleLinear([yearOf(low), yearOf(high)], [0, 1]).ticks(count);
  return years.filter(Number.isInteger).map(year => firstOf((year - 1970) * 12));
}

function monthsOf(low: number, high: number, every: number): number[] {
  const times: number[] = [];
  for (let n = Math.ceil(Math.floor(monthOf(low)) / every) * every; firstOf(n) <= high; n += every) {
    if (firstOf(n) >= low) times.push(firstOf(n));
  }
  return times;
}

/** Months since the start of 1970, with the elapsed fraction of the current month. */
function monthOf(time: number): number {
  const date = new Date(time);
  const whole = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
  return whole + (time - firstOf(whole)) / (firstOf(whole + 1) - firstOf(whole));
}

const firstOf = (months: number) => new Date(0).setUTCMonth(months);

/**
 * The label of a tick, for ticks that are `step` apart. The first label adds what the others omit: the year or the day.
 */
export function dateLabel(time: number, step: number, first: boolean): string {
  const text = new Date(time).toUTCString(); // Mon, 30 Nov 2026 08:00:39 GMT
  const [, date, month, year, clock] = text.split(' ') as [string, string, string, string, string];
  if (step >= 360 * day) return year;
  if (step >= 27 * day) return first || month === 'Jan' ? `${month} ${year}` : month;
  const onDay = `${month} ${Number(date)}`;
  if (step >= day) return first ? `${onDay}, ${year}` : onDay;
  if (time % day === 0) return onDay;
  const fraction = step < second ? `.${String(Math.round(time) % second).padStart(3, '0')}` : '';
  const words = step < minute ? clock + fraction : clock.slice(0, 5);
  return first ? `${onDay} ${words}` : words;
}
