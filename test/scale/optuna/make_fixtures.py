"""Writes the fixtures of test/scale/search, with Optuna 3.1.0 (Debian: python3-optuna).

    python3 test/scale/optuna/make_fixtures.py [--quality]
"""

import json
import math
import pathlib
import sys

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.sampler import default_gamma, default_weights
from optuna.trial import TrialState, create_trial

import corrected
import problems

here = pathlib.Path(__file__).parent

distributions = {
    "real": FloatDistribution(-2.0, 3.0),
    "rate": FloatDistribution(1e-5, 0.1, log=True),
    "share": FloatDistribution(0.0, 1.0, step=0.05),
    "layers": IntDistribution(1, 9),
    "batch": IntDistribution(16, 128, step=16),
    "units": IntDistribution(2, 300, log=True),
    "cell": CategoricalDistribution(["lstm", "gru", "rnn"]),
}


def space_json(space):
    def one(dist):
        if isinstance(dist, CategoricalDistribution):
            return {"kind": "choice", "choices": list(dist.choices)}
        kind = "int" if isinstance(dist, IntDistribution) else "float"
        return {"kind": kind, "low": dist.low, "high": dist.high, "log": dist.log, "step": dist.step}

    return {name: one(dist) for name, dist in space.items()}


def uniform_number(dist, rng):
    """A random number of a distribution, a choice as its index."""
    if isinstance(dist, CategoricalDistribution):
        return int(rng.integers(len(dist.choices)))
    if dist.log:
        value = math.exp(rng.uniform(math.log(dist.low), math.log(dist.high)))
    else:
        value = rng.uniform(dist.low, dist.high)
    if dist.step is None:
        return value
    return type(dist.low)(min(dist.high, round((value - dist.low) / dist.step) * dist.step + dist.low))


class Draws:
    """The uniform numbers of a RandomState, in the order in which Optuna takes them."""

    def __init__(self, seed):
        self.inner = np.random.RandomState(seed)
        self.taken = []

    def random(self, size):
        values = self.inner.random_sample(size)
        self.taken += values.tolist()
        return values

    def uniform(self, low=0.0, high=1.0, size=None):
        return low + (high - low) * self.random(size)

    def rand(self, size):
        return self.random(size)

    def choice(self, count, size, p):
        total = np.cumsum(p)
        return np.searchsorted(total / total[-1], self.random(size), side="right")


def external(dist, number):
    return dist.to_external_repr(number)


def parzen_cases():
    rng = np.random.default_rng(1)
    cases = []
    for multivariate in (False, True):
        spaces = [distributions] if multivariate else [{n: d} for n, d in distributions.items()]
        for space in spaces:
            for count in (0, 1, 2, 7, 40):
                observed = {n: np.array([uniform_number(d, rng) for _ in range(count)]) for n, d in space.items()}
                points = {n: np.array([uniform_number(d, rng) for _ in range(12)]) for n, d in space.items()}
                estimator = _ParzenEstimator(observed, space, corrected.parameters(multivariate))
                draws = Draws(count + 10)
                sampled = estimator.sample(draws, 24)
                cases.append(
                    {
                        "space": space_json(space),
                        "multivariate": multivariate,
                        "observed": {n: v.tolist() for n, v in observed.items()},
                        "weights": estimator._weights.tolist(),
                        "bandwidths": {n: s.tolist() for n, s in estimator._sigmas.items() if s is not None},
                        "points": {n: v.tolist() for n, v in points.items()},
                        "logDensities": estimator.log_pdf(points).tolist(),
                        "draws": draws.taken,
                        "samples": {n: v.tolist() for n, v in sampled.items()},
                    }
                )
    return cases


def history(count, seed, direction):
    """Trials of a study, of which some are pruned or failed."""
    rng = np.random.default_rng(seed)
    trials = []
    for n in range(count):
        numbers = {name: uniform_number(d, rng) for name, d in distributions.items()}
        value = float(rng.normal()) + (numbers["real"] - 1) ** 2 + numbers["cell"]
        state = "failed" if n % 9 == 4 else "pruned" if n % 3 == 2 else "complete"
        steps = {"pruned": [1] if n % 2 else [1, 4], "complete": [1, 4, 16], "failed": []}[state]
        values = {s: value + 1 / s if n % 15 != 5 else math.nan for s in steps}
        trials.append({"state": state, "numbers": numbers, "value": value, "intermediate": values})
    return trials


def add(study, trials):
    states = {"failed": TrialState.FAIL, "pruned": TrialState.PRUNED, "complete": TrialState.COMPLETE}
    for t in trials:
        study.add_trial(
            create_trial(
                state=states[t["state"]],
                value=t["value"] if t["state"] == "complete" else None,
                params={n: external(d, t["numbers"][n]) for n, d in distributions.items()},
                distributions=distributions,
                intermediate_values=t["intermediate"],
            )
        )


def suggestions():
    cases = []
    for multivariate in (False, True):
        for direction in ("minimize", "maximize"):
            for count in (14, 60):
                trials = history(count, count, direction)
                sampler = TPESampler(multivariate=multivariate, warn_independent_sampling=False)
                study = optuna.create_study(sampler=sampler, direction=direction)
                add(study, trials)
                draws = Draws(count)
                sampler._rng = draws
                names = list(distributions)
                trial = study.ask({n: distributions[n] for n in names} if multivariate else None)
                if not multivariate:
                    for name in names:
                        trial._suggest(name, distributions[name])
                suggested = {n: distributions[n].to_internal_repr(trial.params[n]) for n in names}
                for t in trials:
                    t["intermediate"] = [[s, None if math.isnan(v) else v] for s, v in t["intermediate"].items()]
                cases.append(
                    {
                        "multivariate": multivariate,
                        "direction": direction,
                        "trials": trials,
                        "draws": draws.taken,
                        "suggested": suggested,
                    }
                )
    return {"space": space_json(distributions), "cases": cases}


def halvings():
    """Trials that report at every step, with the steps at which Optuna ends them. 0: not at all."""
    cases = []
    for minimum, factor, rate in ((1, 4, 0), (1, 2, 0), (2, 3, 0), (1, 3, 1), (3, 2, 2)):
        for direction in ("minimize", "maximize"):
            rng = np.random.default_rng(minimum * 100 + factor * 10 + rate)
            pruner = optuna.pruners.SuccessiveHalvingPruner(minimum, factor, rate)
            study = optuna.create_study(pruner=pruner, direction=direction)
            curves, ends = [], []
            for n in range(40):
                level = rng.normal()
                curve = [round(float(level + 3 / s + rng.normal() / 10), 3) for s in range(1, 21)]
                if n % 11 == 7:
                    curve[5:] = [math.nan] * 15
                trial = study.ask()
                end = 0
                for step, value in enumerate(curve, 1):
                    trial.report(value, step)
                    if trial.should_prune():
                        end = step
                        break
                study.tell(trial, *((None, TrialState.PRUNED) if end else (level, TrialState.COMPLETE)))
                curves.append([None if math.isnan(v) else v for v in curve])
                ends.append(end)
            options = {"minResource": minimum, "reductionFactor": factor, "minEarlyStoppingRate": rate}
            cases.append({"options": options, "direction": direction, "curves": curves, "ends": ends})
    return cases


def qualities():
    """The best values after some trials, of many studies of TPE and of random search, sorted."""
    result = {}
    for name, problem in problems.problems.items():
        for sampler in ("tpe", "random", "multivariate"):
            best = []
            for seed in range(problems.STUDIES):
                make = optuna.samplers.RandomSampler if sampler == "random" else TPESampler
                more = {"multivariate": True} if sampler == "multivariate" else {}
                study = optuna.create_study(sampler=make(seed=seed, **more))
                study.optimize(problem, n_trials=problems.TRIALS)
                best.append(study.best_value)
            result.setdefault(name, {})[sampler] = sorted(best)
            print(name, sampler, np.median(best))
    return result


def write(name, value):
    (here / f"{name}.json").write_text(json.dumps(value) + "\n")


def write_journal():
    """A study of Optuna: finished trials of all kinds, and one that it left running."""
    path = here / "journal.jsonl"
    path.unlink(missing_ok=True)
    storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(str(path)))
    study = optuna.create_study(
        study_name="ours is theirs",
        storage=storage,
        sampler=TPESampler(seed=3),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    )
    study.set_user_attr("note", "a study of Optuna, with a \u00fc")

    def objective(trial):
        rate = trial.suggest_float("rate", 1e-5, 0.1, log=True)
        share = trial.suggest_float("share", 0, 1, step=0.25)
        units = trial.suggest_int("units", 2, 300, log=True)
        batch = trial.suggest_int("batch", 16, 128, step=16)
        cell = trial.suggest_categorical("cell", ["lstm", "gru", None, True, 3])
        loss = (math.log10(rate) + 3) ** 2 + share + abs(math.log(units / 40)) + batch / 128 + (cell != "gru")
        if trial.number == 4:
            raise ValueError("no such cell")
        for step in range(1, 9):
            trial.report(math.nan if trial.number == 6 and step > 3 else loss + 1 / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return loss

    study.optimize(objective, n_trials=24, catch=(ValueError,))
    running = study.ask()
    running.suggest_float("rate", 1e-5, 0.1, log=True)
    trials = [
        {
            "number": t.number,
            "state": {"FAIL": "failed"}.get(t.state.name, t.state.name.lower()),
            "params": t.params,
            "value": t.value,
            "intermediate": [[s, None if math.isnan(v) else v] for s, v in t.intermediate_values.items()],
        }
        for t in study.trials
    ]
    write("journal", {"trials": trials, "best": study.best_trial.number})


if __name__ == "__main__":
    write(
        "tpe",
        {
            "betterCounts": [default_gamma(n) for n in range(400)],
            "weights": [default_weights(n).tolist() for n in (0, 1, 5, 24, 25, 26, 27, 60)],
            "parzen": parzen_cases(),
        },
    )
    write("suggestions", suggestions())
    write("halving", halvings())
    write_journal()
    if "--quality" in sys.argv:  # takes minutes
        write("quality", qualities())
