"""Optuna 3.1.0 with two corrections of its Parzen estimator, which newer versions have:

- the density of a scaled truncated normal distribution (optuna/optuna#5109, fixed in 3.5),
- the probability of an integer on a log scale, that of its interval (optuna/optuna#6258, fixed in 4.6).

Equal observations have their bandwidths in the order of the trials: the default sort of numpy orders them in a way that depends on
its version and on the processor.
"""

import logging
import warnings

import numpy as np
import optuna
from optuna.distributions import IntDistribution
from optuna.samplers._tpe import _truncnorm, parzen_estimator
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(logging.ERROR)

original_logpdf = _truncnorm.logpdf
original_estimate = _ParzenEstimator.log_pdf


def logpdf(x, a, b, loc=0, scale=1):
    return original_logpdf(x, a, b, loc, scale) - np.log(scale)


def estimate(self, samples):
    """Integers on a log scale one by one, all other parameters as they are."""
    intervals = {n: d for n, d in self._search_space.items() if isinstance(d, IntDistribution) and d.log}
    if not intervals:
        return original_estimate(self, samples)
    count = next(iter(samples.values())).size
    total = np.zeros((count, len(self._weights)))
    for name, dist in self._search_space.items():
        values = samples[name]
        if isinstance(dist, optuna.distributions.CategoricalDistribution):
            total += np.log(self._categorical_weights[name].T[values, :])
            continue
        low, high, q = self._low[name], self._high[name], self._q[name]
        mus, sigmas = self._mus[name], self._sigmas[name]
        if name in intervals:
            lower, upper = np.log(values - 0.5), np.log(values + 0.5)
        elif q is not None:
            lower, upper = np.maximum(values - q / 2, low), np.minimum(values + q / 2, high)
        else:
            values = np.log(values) if dist.log else values
            total += logpdf(values[:, None], (low - mus) / sigmas, (high - mus) / sigmas, mus, sigmas)
            continue
        mass = _truncnorm._log_gauss_mass((lower[:, None] - mus) / sigmas, (upper[:, None] - mus) / sigmas)
        total += mass - _truncnorm._log_gauss_mass((low - mus) / sigmas, (high - mus) / sigmas)
    total += np.log(self._weights)
    most = total.max(axis=1)
    return np.log(np.exp(total - most[:, None]).sum(axis=1)) + most


class StableNumpy:
    """numpy with a stable argsort."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def argsort(values):
        return np.argsort(values, kind="stable")


parzen_estimator.np = StableNumpy()
_truncnorm.logpdf = logpdf
parzen_estimator.truncnorm.logpdf = logpdf
_ParzenEstimator.log_pdf = estimate


def parameters(multivariate=False):
    return _ParzenEstimatorParameters(True, 1.0, True, False, default_weights, multivariate)
