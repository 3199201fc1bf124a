"""Quantiles of the beta distribution and of Student's distribution.

The incomplete beta function is computed by its continued fraction (modified Lentz; Press et al., Numerical Recipes,
6.4), quantiles by bisection: slow, but certain to converge.
"""

import math

_TINY = 1e-300
_EPSILON = 1e-15


def regularised_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), the distribution function of Beta(a, b) at x. Relative error about 1e-13."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x),
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, _reciprocal(1.0 - (a + b) * x / (a + 1.0))
    result = d
    # The number of terms grows with the square root of the larger parameter.
    for m in range(1, 200 + int(8 * math.sqrt(max(a, b)))):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = _reciprocal(1.0 + step * d)
            c = 1.0 + step / c
            c = c if abs(c) > _TINY else _TINY
            result *= c * d
        if abs(c * d - 1.0) < _EPSILON:
            break
    return result


def _reciprocal(value: float) -> float:
    return 1.0 / (value if abs(value) > _TINY else _TINY)


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p, to 1e-12 of the unit interval."""
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        if regularised_beta(a, b, middle) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def t_quantile(p: float, degrees: float) -> float:
    """The quantile of Student's distribution with so many degrees of freedom."""
    if p == 0.5:
        return 0.0
    tail = min(p, 1.0 - p)
    x = beta_quantile(2.0 * tail, degrees / 2.0, 0.5)
    magnitude = math.inf if x <= 0.0 else math.sqrt(degrees * (1.0 - x) / x)
    return magnitude if p > 0.5 else -magnitude


def binomial_at_most(k: int, n: float, p: float) -> float:
    """The probability of at most `k` successes in `n` tries."""
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    return regularised_beta(n - k, k + 1.0, 1.0 - p)
