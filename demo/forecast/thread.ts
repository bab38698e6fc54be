/** The worker of the forecast: tests a network on the held-out end of a series, then fits it to all values and forecasts. */

import { io, type ModelArtifacts } from 'lstm-wasm';
import { type BacktestReport, type Forecast, type Forecaster, forecaster, type Series } from 'lstm-wasm/forecast';
import { zipOf } from '../keep/zip.ts';
import type { Plan } from './plan.ts';

export interface Order {
  readonly series: Series;
  readonly plan: Plan;
}

export type Report = Pick<BacktestReport, 'scores' | 'forecasts' | 'nominalCoverage'>;

export type Answer =
  | { readonly kind: 'progress'; readonly phase: 'test' | 'fit'; readonly share: number }
  | { readonly kind: 'tested'; readonly report: Report }
  | { readonly kind: 'done'; readonly forecast: Forecast; readonly model: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly message: string };

const levels = [0.1, 0.5, 0.9];
const epochs = 40;

const port = globalThis as unknown as Worker;
const answer = (message: Answer) => port.postMessage(message);

port.addEventListener('message', async ({ data: { series, plan } }: MessageEvent<Order>) => {
  const { horizon, inputSteps, season, folds, heldOut } = plan;
  const progress = (phase: 'test' | 'fit') => ({
    onProgress: ({ epoch }: { epoch: number }) => answer({ kind: 'progress', phase, share: epoch / epochs }),
  });
  try {
    const model = forecaster({ horizon, inputSteps, season, units: 32, epochs, learningRate: 0.005, heldOut, seed: 1 });
    const report = await model.backtest(series, { folds, levels, ...progress('test') });
    answer({ kind: 'tested', report });
    await model.fit(series, progress('fit'));
    const [forecast] = await model.predict(series, { levels });
    answer({ kind: 'done', forecast: forecast!, model: await zipped(model) });
  } catch (error) {
    answer({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
});

async function zipped(model: Forecaster): Promise<Uint8Array<ArrayBuffer>> {
  let saved: ModelArtifacts | null = null;
  await model.save(
    io.withSaveHandler(artifacts => {
      saved = artifacts;
      return { modelArtifactsInfo: {} as never };
    }),
  );
  return zipOf(saved!);
}
