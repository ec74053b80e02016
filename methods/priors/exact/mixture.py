"""Prior: a Gaussian mixture, or a Gaussian with one component.

x ~ sum_k w_k N(m_k, C_k). With noise sigma every component is N(m_k, C_k + sigma^2 I), so that

    E[x | z] = sum_k r_k(z) (m_k + C_k (C_k + sigma^2 I)^-1 (z - m_k)),
    r_k(z)  ~ w_k N(z; m_k, C_k + sigma^2 I)

and, with y = A x + sigma_y n, S_k = A C_k A^T + sigma_y^2 I and G_k = C_k A^T S_k^-1, the posterior
is the mixture of N(m_k + G_k (y - A m_k), C_k - G_k A C_k) with weights ~ w_k N(y; A m_k, S_k)
(Bishop, Pattern Recognition and Machine Learning, 2006, equations 2.113 to 2.117, per component).
"""

import torch

from methods.priors.exact.base import ExactPrior, Posterior, chosen, normal, root

EQUAL = 1e-6  # relative tolerance for eigenvalues equal to the smallest one


class MixturePrior(ExactPrior):
    """Args:
    shape: (C, H, W), d = C H W.
    weights: (K,), sum 1.
    means: (K, d).
    covariances: (K, d, d), positive definite.
    """

    def __init__(self, shape, weights, means, covariances):
        super().__init__(shape)
        self.weights, self.means = weights.double(), means.double()
        self.covariances = covariances.double()
        values, vectors = torch.linalg.eigh(self.covariances)  # rising: (K, d), (K, d, d)
        if values.min() <= 0:
            raise ValueError("a covariance is not positive definite")
        self.least = values[:, 0]  # (K,), a floor that shrinkage leaves in most directions
        rank = int((values > self.least[:, None] * (1 + EQUAL)).sum(dim=1).max())
        self.values, self.vectors = values[:, self.size - rank :], vectors[..., self.size - rank :]

    def _parts(self, x, sigma):
        """Gaps x - m_k; their coefficients on axes with more than the least variance; noisy
        variances of these and of the other axes; responsibilities of the components."""
        gaps = x - self.means.to(x)[:, None]
        along = gaps @ self.vectors.to(x)
        variances, rest = self.values + sigma**2, self.least + sigma**2
        left = gaps.square().sum(dim=-1) - along.square().sum(dim=-1)
        logits = -(along.square() / variances.to(x)[:, None]).sum(dim=-1) / 2
        logits = logits - left / rest.to(x)[:, None] / 2
        volume = variances.log().sum(dim=1) + (self.size - self.values.shape[1]) * rest.log()
        shares = (logits + (self.weights.log() - volume / 2).to(x)[:, None]).softmax(dim=0)
        return gaps, along, variances, rest, shares

    def _mapped(self, gaps, along, on_axes, elsewhere):
        """Gaps times ``on_axes`` (K, rank) along the axes and ``elsewhere`` (K,) across them."""
        extra = (on_axes - elsewhere[:, None]).to(gaps)[:, None]
        return elsewhere.to(gaps)[:, None, None] * gaps + (along * extra) @ self.vectors.to(gaps).mT

    def expected(self, x, sigma):
        gaps, along, variances, rest, shares = self._parts(x, sigma)
        kept = self._mapped(gaps, along, self.values / variances, self.least / rest)
        return (shares[..., None] * (self.means.to(x)[:, None] + kept)).sum(dim=0)

    def score(self, x):
        gaps, along, variances, rest, shares = self._parts(x, 0.0)
        return (shares[..., None] * self._mapped(gaps, along, -1 / variances, -1 / rest)).sum(dim=0)

    def sample(self, count, generator):
        return _draw(self.weights, self.means, root(self.covariances), count, generator)

    def posterior(self, a, y, noise_level):
        a, y = a.double(), y.double()
        images = a @ self.covariances  # A C_k, (K, m, d)
        s = images @ a.T + noise_level**2 * torch.eye(len(a), dtype=torch.float64)
        gaps = y - self.means @ a.T
        solved = torch.linalg.solve(s, torch.cat([images, gaps[..., None]], dim=-1))
        means = self.means + (images.mT @ solved[..., -1:])[..., 0]
        covariances = self.covariances - images.mT @ solved[..., :-1]
        logits = self.weights.log() - torch.linalg.slogdet(s)[1] / 2
        weights = (logits - (gaps * solved[..., -1]).sum(dim=-1) / 2).softmax(dim=0)
        mean = weights @ means
        between = means - mean
        covariance = (weights[:, None, None] * covariances).sum(dim=0)
        covariance = covariance + (weights[:, None] * between).T @ between
        roots = root((covariances + covariances.mT) / 2)
        return Posterior(
            mean,
            covariance,
            lambda count, generator: _draw(weights, means, roots, count, generator),
            self.posterior_score(a, y, noise_level),
        )


def _draw(weights, means, roots, count, generator):
    """Samples (count, d) of a mixture; ``roots`` (K, d, d) are roots of the covariances."""
    which = chosen(weights, count, generator)
    z = normal(count, means.shape[1], generator)
    x = means[which].clone()
    for k in range(len(weights)):
        x[which == k] += z[which == k] @ roots[k].T
    return x
