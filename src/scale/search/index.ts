/** Search for parameters. */

export { type Asha, type AshaOptions, asha } from './asha.ts';
export type { GridOptions } from './grid.ts';
export type { JournalStore } from './journalFile.ts';
export { grid, type Sampler, tpe } from './samplers.ts';
export {
  type ChoiceDistribution,
  type ChoiceValue,
  choice,
  type Distribution,
  type FloatDistribution,
  type FloatOptions,
  float,
  type IntDistribution,
  type IntOptions,
  int,
  type NumberDistribution,
  type Param,
  type Params,
  type Space,
} from './space.ts';
export type { Study, SweepProgress, SweepTrial } from './study.ts';
export { sweep } from './sweep.ts';
export type { SweepOptions } from './sweepOptions.ts';
export { terminalProgress } from './terminalProgress.ts';
export type { TpeOptions } from './tpe.ts';
export type { Direction, TrialState } from './trial.ts';
