/** Runs plans with custom layers: while their code runs, the model cannot be used. */

import type { CompiledPlan } from '../plan/compiledPlan.ts';
import { inHostContext } from '../plan/hostContext.ts';
import { fail } from '../util/errors.ts';
import type { ModelView } from './modelView.ts';

/** `plan.forward` for a call of a model. If a custom layer fails, the carried states are those from before. */
export function forward(call: string, view: ModelView, plan: CompiledPlan): boolean {
  return plan.isCustom ? guarded(call, view, () => plan.forward()) : plan.forward();
}

/** `plan.backward`, as above. */
export function backward(call: string, view: ModelView, plan: CompiledPlan): boolean {
  return plan.isCustom ? guarded(call, view, () => plan.backward()) : plan.backward();
}

function guarded<T>(call: string, view: ModelView, run: () => T): T {
  const { state } = view;
  const { version } = state;
  const parameters = view.parameters(call);
  const planned = parameters.version;
  const check = () => {
    if (state.version === version && parameters.version === planned && !parameters.isFree) return;
    fail(call, 'custom layers must not move the weights of the model');
  };
  state.scoring = true;
  try {
    return parameters.locked(() => inHostContext({ call, check }, run));
  } finally {
    state.scoring = false;
  }
}

/** Runs `work`, which computes several batches. If a custom layer fails in one of them, all is as before the first. */
export function restoreOnError<T>(call: string, view: ModelView, work: () => T): T {
  return view.graph(call).calls.isCustom ? view.restoreStatesOnError(work) : work();
}
