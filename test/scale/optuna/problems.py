"""Test functions of sampler quality, the same as in test/scale/search/problems.ts."""

import math

STUDIES = 60
TRIALS = 60


def sphere(trial):
    return sum(trial.suggest_float(f"x{n}", -5, 5) ** 2 for n in range(3))


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def network(trial):
    """Parameters of all kinds, of which one matters only with one choice of another."""
    cell = trial.suggest_categorical("cell", ["lstm", "gru", "rnn"])
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    units = trial.suggest_int("units", 4, 256, log=True)
    layers = trial.suggest_int("layers", 1, 6)
    dropout = trial.suggest_float("dropout", 0, 0.5, step=0.05)
    loss = abs(math.log10(rate) + 2.5) + abs(math.log(units / 60)) + 0.3 * abs(layers - 2)
    if cell == "lstm":
        return loss + 4 * abs(dropout - 0.2)
    return loss + (0.5 if cell == "gru" else 2)


problems = {"sphere": sphere, "branin": branin, "network": network}
