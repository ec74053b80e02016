"""How far samples are from a posterior that is known exactly.

Distances between distributions are taken in coordinates in which the posterior has mean 0 and
covariance I, u = C^(-1/2) (x - m) along its principal axes: a wrong direction counts by how wrong
it is relative to what the posterior allows there, not by its contrast.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

DIRECTIONS = 256  # of the sliced Wasserstein distance
AXES = 24  # principal axes of the posterior that the classifier of ``c2st`` sees
TIE = 1e-9  # of the mean variance, between axes of equal variance
SPLITS = 5  # of its cross-validation
MEAN_LIMIT = 0.02  # distance of the means, relative to the norm of the posterior mean
SPREAD_LIMIT = 0.1  # distance of the mean ratio of standard deviations from 1


@dataclass(frozen=True)
class Whitening:
    """u = (x - mean) V / sqrt(lambda), axes by falling variance lambda; x (n, d), d axes."""

    mean: np.ndarray
    vectors: np.ndarray
    scales: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, covariance: np.ndarray) -> "Whitening":
        """Of a positive definite covariance.

        Fixed weights of the pixels, too small to matter otherwise, choose between axes of equal
        variance and between the two directions of an axis: rounding must not.
        """
        weights = np.random.default_rng(0).random(len(covariance))
        chosen = covariance + TIE * covariance.diagonal().mean() * np.diag(weights)
        values, vectors = np.linalg.eigh(chosen)
        if values[0] <= 0:
            raise ValueError("the posterior has no spread in a direction: give it more noise")
        vectors = vectors * np.sign(weights @ vectors)
        return cls(mean, vectors[:, ::-1], np.sqrt(values[::-1]))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return (x - self.mean) @ self.vectors / self.scales

    def gradients(self, scores: np.ndarray) -> np.ndarray:
        """Gradients of log p with respect to x as those with respect to u."""
        return scores @ self.vectors * self.scales


def mean_error(samples: np.ndarray, mean: np.ndarray) -> tuple[float, float]:
    """||E - m||^2, E the expectation of samples (n, d): unbiased estimate and its standard error.

    The mean of n independent samples is off by tr(S) / n more, S their sample covariance, which is
    subtracted: the estimate may be negative. Its variance is 4 b^T S b / n + 2 tr(S^2) / n^2 with
    the difference b, whose plug-in values are larger by tr(S^2) / n and tr(S)^2 / n.
    """
    n = len(samples)
    centred = samples - samples.mean(axis=0)
    trace = (centred**2).sum() / (n - 1)
    gap = samples.mean(axis=0) - mean
    gram = centred @ centred.T / (n - 1)
    squared = max((gram**2).sum() - trace**2 / n, 0.0)
    found = (gap**2).sum() - trace / n
    along = max(((centred @ gap) ** 2).sum() / (n - 1) - squared / n, 0.0)
    variance = 4 * along / n + 2 * squared / n**2
    return float(found), float(math.sqrt(variance))


def spread_ratio(samples: np.ndarray, spread: np.ndarray) -> float:
    """Mean over pixels of the samples' standard deviation over the exact one, 1 if all agree.

    Standard deviations are divided by c_4(n) ~ 1 - 1 / (4 (n - 1)), their expectation for n normal
    samples, so that it is 1 for few exact samples, too.
    """
    small = 1 - 1 / (4 * (len(samples) - 1))
    return float((samples.std(axis=0, ddof=1) / small / spread).mean())


def spread_error(samples: np.ndarray, spread: np.ndarray) -> float:
    """Root mean square over pixels of the relative error of variances, without what chance adds.

    A variance of n normal samples has the relative variance 2 / (n - 1), which is subtracted from
    the mean square; 0 if less is left. Half of it is the relative error of standard deviations.
    """
    n = len(samples)
    relative = samples.var(axis=0, ddof=1) / spread**2
    squared = ((relative - 1) ** 2).mean() - 2 / (n - 1) * (relative**2).mean()
    return float(math.sqrt(max(squared, 0.0)) / 2)


def sliced_wasserstein(u: np.ndarray, v: np.ndarray, seed: int = 0) -> float:
    """Sliced 2-Wasserstein distance of as many samples u and v, (n, d).

    Rabin, Peyre, Delon, Bernot, SSVM 2011: the root of the mean over unit directions of the squared
    distance of sorted projections. A shift by t along every axis has the distance |t|.
    """
    directions = np.random.default_rng(seed).standard_normal((u.shape[1], DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    first, second = (np.sort(x @ directions, axis=0) for x in (u, v))
    return float(np.sqrt(((first - second) ** 2).mean()))


def c2st(u: np.ndarray, v: np.ndarray, seed: int = 0) -> float:
    """Cross-validated accuracy with which a classifier tells samples u from v, (n, d): 0.5 to 1.

    Classifier two-sample test (Lopez-Paz, Oquab, ICLR 2017, arXiv 1610.06545) with logistic
    regression on the first ``AXES`` coordinates and their squares, that is quadratic discrimination
    with axes kept; it sees shifts and wrong spreads along the axes, and no correlation.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = np.concatenate([u, v])[:, :AXES].clip(-1e3, 1e3)
    labels = np.repeat([0, 1], [len(u), len(v)])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    folds = StratifiedKFold(SPLITS, shuffle=True, random_state=seed)
    return float(cross_val_score(model, np.hstack([x, x**2]), labels, cv=folds).mean())


def kernel_stein(u: np.ndarray, gradients: np.ndarray) -> float:
    """Kernel Stein discrepancy of samples u (n, d) with the score there, over sqrt(d).

    Liu, Lee, Jordan, ICML 2016, arXiv 1602.03253, with the inverse multiquadric kernel
    k = (1 + |u - v|^2 / d)^(-1/2) (Gorham, Mackey, ICML 2017, arXiv 1703.01717). The square is the
    mean over pairs of different samples (U-statistic, 0 in expectation if they agree); its root is
    signed.
    """
    n, d = u.shape
    norms = (u**2).sum(axis=1)
    products = u @ u.T
    squared = np.maximum(norms[:, None] + norms - 2 * products, 0) / d
    base = 1 + squared
    # With r = u - v: grad_u k = -r base^(-3/2) / d, trace of grad_u grad_v k below.
    along = gradients @ u.T  # s_i . u_j
    own = np.einsum("id,id->i", gradients, u)
    s_r = own[:, None] - along  # s_i . (u_i - u_j)
    stein = (gradients @ gradients.T) * base**-0.5
    stein += (s_r + s_r.T) * base**-1.5 / d
    stein += base**-1.5 - 3 * squared * base**-2.5 / d
    np.fill_diagonal(stein, 0)
    found = stein.sum() / (n * (n - 1)) / d
    return float(math.copysign(math.sqrt(abs(found)), found))


def agrees(scores: Mapping[str, float]) -> bool:
    """Whether mean and spread are within the limits."""
    off = abs(scores["spread_ratio"] - 1)
    return bool(scores["mean_error"] <= MEAN_LIMIT and off <= SPREAD_LIMIT)
