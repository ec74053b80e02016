"""Fits the priors in closed form to training images; every number of them comes from the images."""

import numpy as np
import torch
from pydantic import PositiveInt
from scipy.optimize import minimize_scalar
from sklearn.cluster import KMeans
from sklearn.covariance import ledoit_wolf

from methods.priors.exact.base import ExactPrior
from methods.priors.exact.lattice import LatticePrior
from methods.priors.exact.mixture import MixturePrior

RESTARTS = 10  # of k-means


def gaussian(images: np.ndarray, seed: int) -> ExactPrior:
    """Mean of images (n, 1, H, W) and their covariance with the shrinkage of Ledoit and Wolf.

    (1 - a) S + a tr(S) / d I, a in closed form (Journal of Multivariate Analysis 2004, doi
    10.1016/S0047-259X(03)00096-4): positive definite also for fewer images than pixels.
    """
    return mixture(images, seed, 1)


def mixture(images: np.ndarray, seed: int, components: PositiveInt = 3) -> ExactPrior:
    """One ``gaussian`` per cluster of k-means, weighted by the cluster's share of the images."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    model = KMeans(components, n_init=RESTARTS, random_state=seed % 2**32)
    labels = model.fit_predict(flat) if components > 1 else np.zeros(len(flat), dtype=int)
    parts = [flat[labels == k] for k in range(components)]
    weights = np.array([len(part) for part in parts]) / len(flat)
    means = np.stack([part.mean(axis=0) for part in parts])
    covariances = np.stack([ledoit_wolf(part)[0] for part in parts])
    return MixturePrior(images.shape[1:], *map(torch.from_numpy, (weights, means, covariances)))


def lattice(images: np.ndarray, seed: int, cells: PositiveInt = 4) -> ExactPrior:
    """Cells that are brighter or darker than on average, by the standard deviation of their mean.

    The coupling J maximises the pseudo-likelihood of the signs (Besag, The Statistician 1975, doi
    10.2307/2987782); the texture is what of the pixels' variance the cells leave.
    """
    count, _, height, width = images.shape
    mean = images.mean(axis=(0, 1)).astype(np.float64)
    gaps = images[:, 0] - mean
    blocks = gaps.reshape(count, cells, height // cells, cells, width // cells).mean(axis=(2, 4))
    contrast, signs = blocks.std(axis=0), np.where(blocks < 0, -1.0, 1.0)
    around = np.pad(signs, ((0, 0), (1, 1), (1, 1)))
    fields = around[:, :-2, 1:-1] + around[:, 2:, 1:-1]
    fields += around[:, 1:-1, :-2] + around[:, 1:-1, 2:]
    negative = lambda j: np.logaddexp(0, -2 * j * signs * fields).sum()  # noqa: E731
    coupling = float(minimize_scalar(negative, bounds=(0, 2), method="bounded").x)
    painted = (signs * contrast).repeat(height // cells, axis=1).repeat(width // cells, axis=2)
    texture = float((gaps - painted).std())
    mean, contrast = map(torch.from_numpy, (mean.flatten(), contrast.astype(np.float64)))
    return LatticePrior(images.shape[1:], mean, contrast, coupling, texture)


FITS = {"gaussian": gaussian, "mixture": mixture, "lattice": lattice}


def fit(kind: str, params: dict[str, int], images: np.ndarray, seed: int) -> ExactPrior:
    """The prior ``kind``, fitted to ``images`` (n, C, H, W)."""
    return FITS[kind](images, seed, **params)
