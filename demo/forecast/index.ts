/** The section that forecasts a CSV file of the user. */

import './style.css';
import { type Forecast, type Series, timeRange } from 'lstm-wasm/forecast';
import { type BacktestPlotData, backtestPlot, type ForecastPlotData, forecastPlot, type Plot } from 'lstm-wasm/plot';
import { element, setText } from '../element.ts';
import { Fitted } from '../fitted.ts';
import { download } from '../keep/download.ts';
import { fileInput } from './fileInput.ts';
import { mostHorizon, type Plan, planOf, stepName, timeText, usualHorizon } from './plan.ts';
import { errorRows, forecastCsv, summaryOf, verdict } from './results.ts';
import { type Column, columnsOf, exampleText, known } from './table.ts';
import type { Answer, Order, Report } from './thread.ts';

/** Horizons of history that the charts show. */
const shownHorizons = 6;
const example = 'Example data: invented monthly visitors. Choose a file for your own.';

export interface ForecastSection {
  /** Charts that can be downloaded, by name. */
  readonly pictures: { name: string; plot: { toSVG(): string } }[];
}

export function forecastSection(place: HTMLElement): ForecastSection {
  const column = element('select', { id: 'forecast-column' });
  const horizon = element('input', { id: 'forecast-horizon', type: 'number', min: '1', inputMode: 'numeric' });
  const unit = element('span', { id: 'forecast-unit' });
  const fault = element('small', { id: 'forecast-horizon-fault', className: 'fault' });
  const start = element('button', { type: 'button', className: 'primary' }, 'Forecast');
  const summary = element('p', { className: 'forecast-summary' });
  const status = element('p', { className: 'forecast-status' });
  const bar = element('progress', { max: 1, value: 0, hidden: true });
  const results = element('div', { className: 'forecast-results', hidden: true });
  for (const live of [summary, status]) live.setAttribute('role', 'status');
  fault.setAttribute('role', 'alert');
  horizon.autocomplete = 'off';
  horizon.setAttribute('aria-describedby', 'forecast-unit forecast-horizon-fault');
  bar.setAttribute('aria-label', 'Progress of the training');

  const heldOut = element('div', { className: 'plot forecast-plot' });
  const ahead = element('div', { className: 'plot forecast-plot' });
  const said = element('p', { className: 'forecast-verdict' });
  const table = element('table');
  const csvButton = element('button', { type: 'button' }, 'Download forecast (CSV)');
  const modelButton = element('button', { type: 'button' }, 'Download model (zip)');
  const beyond = element(
    'section',
    { hidden: true },
    element('h3', {}, 'Beyond the end of the data'),
    ahead,
    element('div', { className: 'forecast-pair' }, csvButton, modelButton),
    element(
      'p',
      { className: 'hint' },
      'The zip has model.json and weights.bin, for loadForecaster of lstm-wasm/forecast.',
    ),
  );
  results.append(
    element(
      'section',
      {},
      element('h3', {}, 'Held-out end'),
      heldOut,
      said,
      element('div', { className: 'scroll' }, table),
    ),
    beyond,
  );

  place.classList.add('forecast');
  const files = fileInput(take, refuse);
  place.replaceChildren(
    files,
    element(
      'div',
      { className: 'forecast-controls' },
      element('label', { htmlFor: column.id }, 'Column', column),
      element('label', { htmlFor: horizon.id }, 'Steps to forecast', horizon),
      unit,
      start,
      fault,
    ),
    summary,
    status,
    bar,
    results,
  );

  let columns: Column[] = [];
  let worker: Worker | null = null;
  /** What the charts show. */
  let shown: { name: string; series: Series; plan: Plan } | null = null;
  let drawn = { heldOut: false, ahead: false };
  let made: { csv: string; model: Blob } | null = null;

  const plots = {
    heldOut: new Fitted<BacktestPlotData, Plot<BacktestPlotData>>(
      heldOut,
      size => backtestPlot({ ...size, theme: 'auto', xLabel: xLabel(), title: shown!.name }),
      'given',
    ),
    ahead: new Fitted<ForecastPlotData, Plot<ForecastPlotData>>(
      ahead,
      size => forecastPlot({ ...size, theme: 'auto', xLabel: xLabel(), title: shown!.name }),
      'given',
    ),
  };
  const xLabel = () => (shown?.series.start === undefined ? 'row' : '');

  // --------------------------------------------------------------------------------------------------- the file

  function take(text: string, from: string): void {
    try {
      columns = columnsOf(text);
    } catch (error) {
      refuse((error as Error).message);
      return;
    }
    column.replaceChildren(...columns.map(({ name }, n) => element('option', { value: String(n) }, name)));
    choose(from);
  }

  function refuse(message: string): void {
    stop();
    place.dataset.state = 'refused';
    setText(summary, message);
    setText(status, '');
  }

  function choose(from = ''): void {
    const { name, series } = columns[column.selectedIndex]!;
    stop();
    results.hidden = true;
    drawn = { heldOut: false, ahead: false };
    place.dataset.state = 'ready';
    const { values, start, frequency } = series;
    horizon.value = String(usualHorizon(series));
    horizon.max = String(mostHorizon(series));
    setText(unit, `${stepName(frequency)}s`);
    setText(fault, '');
    const dates = start !== undefined && frequency !== undefined ? timeRange(start, values.length, frequency) : null;
    const range = dates && ([dates[0]!, dates.at(-1)!] as const).map(date => timeText(date, frequency!));
    setText(
      summary,
      `${from ? `${from} ` : ''}${summaryOf(name, values.length, values.length - known(values), range)}`,
    );
    setText(status, '');
  }
  column.addEventListener('change', () => choose());

  // ----------------------------------------------------------------------------------------------- the forecast

  function chosenHorizon(series: Series): number | null {
    const [value, most] = [horizon.valueAsNumber, mostHorizon(series)];
    const valid = Number.isInteger(value) && value >= 1 && value <= most;
    setText(fault, valid ? '' : `Steps to forecast must be a whole number from 1 to ${most}, an eighth of the rows.`);
    horizon.setAttribute('aria-invalid', String(!valid));
    return valid ? value : null;
  }

  function run(): void {
    const { name, series } = columns[column.selectedIndex]!;
    const steps = chosenHorizon(series);
    if (steps === null) return;
    const plan = planOf(series, steps);
    shown = { name, series, plan };
    drawn = { heldOut: false, ahead: false };
    results.hidden = beyond.hidden = true;
    bar.hidden = false;
    bar.value = 0;
    place.dataset.state = 'running';
    setText(start, 'Stop');
    setText(status, `Training on the values before the held-out end of ${plan.folds * steps} values.`);
    worker = new Worker(new URL('./thread.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => hear(data));
    worker.addEventListener('error', event => fail(event.message || 'its worker could not be loaded'));
    worker.postMessage({ series: { ...series, values: Float64Array.from(series.values) }, plan } satisfies Order);
  }

  function hear(answer: Answer): void {
    if (answer.kind === 'progress') bar.value = answer.share / 2 + (answer.phase === 'fit' ? 0.5 : 0);
    else if (answer.kind === 'tested') showTest(answer.report);
    else if (answer.kind === 'done') showForecast(answer.forecast, answer.model);
    else fail(answer.message);
  }

  function showTest(report: Report): void {
    const { series, plan } = shown!;
    const { horizon, folds, season } = plan;
    results.hidden = false;
    drawn.heldOut = true;
    const from = Math.max(0, series.values.length - (folds + shownHorizons) * horizon);
    plots.heldOut.begin({ actual: part(series, from), forecasts: report.forecasts });
    setText(said, verdict(report, season));
    showErrors(report, season);
    setText(status, 'Training on all values.');
  }

  function showErrors(report: Report, season: number): void {
    const { name, plan } = shown!;
    const head = ['Forecast', `MAE (${name})`, 'MASE', 'sMAPE'].map(text => {
      const cell = element('th', {}, text);
      cell.scope = 'col';
      return cell;
    });
    const rows = errorRows(report, season).map(row => {
      const first = element('th', {}, row.name);
      first.scope = 'row';
      return element('tr', {}, first, ...[row.mae, row.mase, row.smape].map(text => element('td', {}, text)));
    });
    const forecasts = plan.folds === 1 ? 'one forecast' : `${plan.folds} forecasts`;
    const caption = `Errors on the held-out end, over ${forecasts} of ${plan.horizon} steps`;
    table.replaceChildren(
      element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...rows),
    );
  }

  function showForecast(forecast: Forecast, model: Uint8Array<ArrayBuffer>): void {
    const { name, series, plan } = shown!;
    end('done', `Done: ${plan.horizon} ${stepName(series.frequency)}s beyond the end of the data.`);
    beyond.hidden = false;
    drawn.ahead = true;
    const from = Math.max(0, series.values.length - shownHorizons * plan.horizon);
    plots.ahead.begin({ history: part(series, from), forecast });
    made = { csv: forecastCsv(name, forecast), model: new Blob([model], { type: 'application/zip' }) };
  }

  csvButton.addEventListener('click', () => {
    if (made) download('forecast.csv', new Blob([made.csv], { type: 'text/csv' }));
  });
  modelButton.addEventListener('click', () => {
    if (made) download('forecast-model.zip', made.model);
  });
  start.addEventListener('click', () => {
    if (worker) end('ready', 'Stopped.');
    else if (columns.length > 0) run();
  });

  function fail(message: string): void {
    end('refused', `The forecast failed: ${message}`);
  }

  function end(state: 'ready' | 'done' | 'refused', sentence: string): void {
    stop();
    place.dataset.state = state;
    setText(status, sentence);
  }

  function stop(): void {
    worker?.terminate();
    worker = null;
    bar.hidden = true;
    setText(start, 'Forecast');
  }

  take(exampleText(), example);
  return {
    get pictures() {
      const all = [
        { name: 'Held-out forecasts', plot: drawn.heldOut ? plots.heldOut.drawn : null },
        { name: 'Forecast', plot: drawn.ahead ? plots.ahead.drawn : null },
      ];
      return all.flatMap(({ name, plot }) => (plot ? [{ name, plot }] : []));
    },
  };
}

/** The end of a series, with the times of its values. */
function part({ values, start, frequency }: Series, from: number) {
  const time =
    start !== undefined && frequency !== undefined
      ? timeRange(start, values.length, frequency).slice(from)
      : Array.from({ length: values.length - from }, (_, n) => from + n);
  return { time, values: Array.from(values).slice(from) };
}
