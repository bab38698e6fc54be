/** A checked forecast task, as data that can be sent to a worker. */
export interface ForecastTask {
  /** The whole history, scaled. */
  readonly rows: Float32Array;
  /** The number of values at its end that form the input window. */
  readonly window: number;
  /** Whether the caller set the window length. */
  readonly chosen: boolean;
  readonly stream: boolean | null;
  /** The numbers per step that the model takes and predicts, and the steps that it predicts per call. */
  readonly D: number;
  readonly W: number;
  readonly K: number;
  /** The number of steps to forecast. */
  readonly steps: number;
}
