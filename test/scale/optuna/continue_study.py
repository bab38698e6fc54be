"""Reads a journal of lstm-wasm with Optuna, prints its trials, and continues the study for some trials.

    python3 continue_study.py journal trials
"""

import json
import logging
import math
import sys
import warnings

import optuna

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(logging.ERROR)
path, count = sys.argv[1], int(sys.argv[2])
storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(path))
(summary,) = optuna.get_all_study_summaries(storage)
study = optuna.load_study(
    study_name=summary.study_name,
    storage=storage,
    sampler=optuna.samplers.TPESampler(seed=1),
    pruner=optuna.pruners.SuccessiveHalvingPruner(reduction_factor=2),
)
before = study.trials
best = study.best_trial.number


def objective(trial):
    loss = 3 + trial.suggest_float("rate", 1e-4, 1, log=True)
    loss += trial.suggest_int("units", 4, 64) / 64
    loss += trial.suggest_categorical("cell", ["lstm", "gru"]) == "gru"
    for step in (1, 2, 4):
        trial.report(loss, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


study.optimize(objective, n_trials=count)
shown = [
    {
        "state": {"FAIL": "failed"}.get(t.state.name, t.state.name.lower()),
        "params": t.params,
        "value": t.value,
        "reports": [[s, None if math.isnan(v) else v] for s, v in t.intermediate_values.items()],
        "error": t.user_attrs.get("error"),
        "rungs": [k for k in t.system_attrs],
        "complete": t.datetime_complete is not None and t.duration.total_seconds() >= 0,
    }
    for t in before
]
print(
    json.dumps(
        {
            "name": study.study_name,
            "direction": study.direction.name,
            "trials": shown,
            "best": best,
            "distributions": {n: str(d) for n, d in before[0].distributions.items()},
            "added": [t.state.name for t in study.trials[len(before) :]],
        }
    )
)
