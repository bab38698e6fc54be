/** Sections of this branch, in the simplest way. */

import { lossPlot, predictionPlot } from 'lstm-wasm/plot';
import { connect } from 'lstm-wasm/worker';
import { compare } from './compare/index.ts';
import { keep } from './keep/index.ts';
import { makeModel } from './model.ts';
import { csvInput, drawPad } from './own/index.ts';
import { readAddress, type Settings, writeAddress } from './settings.ts';
import { tasks } from './tasks/index.ts';

export async function sections(): Promise<void> {
  const place = (id: string) => document.querySelector<HTMLElement>(`#${id} > div`)!;
  let settings = readAddress(location.hash);
  const task = () => tasks[settings.task]!;

  const race = compare(place('compare'));
  race.show(settings, task());

  const host = connect({ simd: 'strict' });
  const model = await makeModel(host, settings, task());
  const cost = lossPlot({ theme: 'auto', title: 'Cost' }).update({ steps: [0, 10, 20], losses: [0.5, 0.2, 0.1] });
  const curve = predictionPlot({ theme: 'auto' }).update({ target: [0, 1, 0], prediction: [0, 0.8, 0.1] });
  const kept = keep(place('keep'), {
    settings: () => settings,
    task,
    model: () => model,
    pictures: () => [
      { name: 'Prediction', plot: curve },
      { name: 'Cost', plot: cost },
    ],
  });

  function changed(own: string): void {
    settings = { ...settings, own } satisfies Settings;
    history.replaceState(null, '', writeAddress(settings));
    race.show(settings, task());
    kept.show();
  }
  const inputs = { drawn: drawPad, csv: csvInput };
  if (settings.task in inputs) {
    document.getElementById('own')!.hidden = false;
    inputs[settings.task as keyof typeof inputs](place('own'), changed).show(settings.own);
  }
}
