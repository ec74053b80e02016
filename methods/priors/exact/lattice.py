"""Prior: an Ising lattice of cells with texture, a hidden Markov field.

Spins s in {-1, 1} of n x n cells have p(s) ~ exp(J sum over neighbours of s_i s_j), and

    x = m + B s + tau n,    n ~ N(0, I),

where column i of B is the contrast b_i of cell i on its pixels. With noise sigma the spins have
independent likelihoods, the fields h_i = b_i sum_{p in i} (z_p - m_p) / (tau^2 + sigma^2), so that
E[s | z] follows from forward and backward messages over the columns of cells, whose states are 2^n
(transfer matrices: Baxter, Exactly Solved Models in Statistical Mechanics, 1982, chapters 2 and 7;
Baum et al., Annals of Mathematical Statistics 1970), and

    E[x | z] = m + B E[s | z] + tau^2 / (tau^2 + sigma^2) (z - m - B E[s | z]).

The posterior of a measurement couples all cells, so all 2^(n n) states are enumerated. Given s and
y it is Gaussian, with S = tau^2 A A^T + sigma_y^2 I and G = tau^2 A^T S^-1,

    x | s, y ~ N(m + B s + G (y - A m - A B s), tau^2 (I - G A)),
    p(y | s) = N(y; A (m + B s), S).
"""

import torch

from methods.priors.exact.base import ExactPrior, Posterior, chosen, normal, root

MOST_CELLS = 16  # limit of the enumeration: 65536 states


class LatticePrior(ExactPrior):
    """Args:
    shape: (1, H, W); n divides H and W.
    mean: m, (d,).
    contrast: b, (n, n).
    coupling: J.
    texture: tau, > 0.
    """

    def __init__(self, shape, mean, contrast, coupling: float, texture: float):
        super().__init__(shape)
        n = len(contrast)
        if n * n > MOST_CELLS or shape[1] % n or shape[2] % n or shape[0] != 1:
            raise ValueError(f"{n} x {n} cells do not divide {tuple(shape)} or are too many")
        self.mean, self.coupling, self.texture = mean.double(), coupling, texture
        cells = torch.arange(n * n).reshape(n, n)
        cell_of = cells.repeat_interleave(shape[1] // n, 0).repeat_interleave(shape[2] // n, 1)
        on = torch.nn.functional.one_hot(cell_of.flatten(), n * n).double()
        self.basis = on * contrast.double().flatten()  # B, (d, n n)
        self.cells = n
        bits = torch.arange(2**n)[:, None] >> torch.arange(n) & 1
        self.states = 2.0 * bits.double() - 1  # of a column of cells, (2^n, n)

    def spins(self, fields: torch.Tensor) -> torch.Tensor:
        """E[s] for p(s) ~ exp(J sum s_i s_j + h s), fields h (count, n n) in row-major order."""
        n, states = self.cells, self.states.to(fields)
        columns = fields.reshape(-1, n, n).permute(2, 0, 1)  # a column of cells first
        within = self.coupling * (states[:, 1:] * states[:, :-1]).sum(dim=1)
        local = columns @ states.T + within  # (n, count, 2^n)
        between = torch.exp(self.coupling * (states @ states.T - n))
        forward, backward = [torch.zeros_like(local[0])], [torch.zeros_like(local[0])]
        for c in range(n - 1):
            forward.append(_passed(forward[-1] + local[c], between))
            backward.append(_passed(backward[-1] + local[n - 1 - c], between))
        logits = torch.stack(forward) + local + torch.stack(backward[::-1])
        return (logits.softmax(dim=-1) @ states).permute(1, 2, 0).flatten(1)

    def _structure(self, x, variance):
        """m + B E[s | x], (n, d), for texture and noise with total ``variance``."""
        mean, basis = self.mean.to(x), self.basis.to(x)
        return mean + self.spins((x - mean) @ basis / variance) @ basis.T

    def expected(self, x, sigma):
        variance = self.texture**2 + sigma**2
        structure = self._structure(x, variance)
        return structure + self.texture**2 / variance * (x - structure)

    def score(self, x):
        return (self._structure(x, self.texture**2) - x) / self.texture**2

    def enumerated(self) -> tuple[torch.Tensor, torch.Tensor]:
        """All states (2^(n n), n n), row-major, and their log-probabilities up to a constant."""
        n = self.cells
        bits = torch.arange(2 ** (n * n))[:, None] >> torch.arange(n * n) & 1
        states = 2.0 * bits.double() - 1
        grid = states.reshape(-1, n, n)
        pairs = (grid[:, 1:] * grid[:, :-1]).sum(dim=(1, 2))
        pairs += (grid[:, :, 1:] * grid[:, :, :-1]).sum(dim=(1, 2))
        return states, self.coupling * pairs

    def sample(self, count, generator):
        states, logits = self.enumerated()
        s = states[chosen(logits.softmax(dim=0), count, generator)]
        return self.mean + s @ self.basis.T + self.texture * normal(count, self.size, generator)

    def posterior(self, a, y, noise_level):
        a, y = a.double(), y.double()
        s = self.texture**2 * a @ a.T + noise_level**2 * torch.eye(len(a), dtype=torch.float64)
        seen, gap = a @ self.basis, y - a @ self.mean
        solved = torch.linalg.solve(s, torch.cat([seen, gap[:, None], a], dim=1))
        cells = seen.shape[1]
        gain = self.texture**2 * solved[:, cells + 1 :].T  # G
        linear, quadratic = seen.T @ solved[:, cells], seen.T @ solved[:, :cells]
        states, logits = self.enumerated()
        logits = logits + states @ linear - ((states @ quadratic) * states).sum(dim=1) / 2
        weights = logits.softmax(dim=0)
        offset = self.mean + gain @ gap
        moved = self.basis - gain @ seen  # x = offset + moved s + noise
        s_mean = weights @ states
        s_covariance = (weights[:, None] * states).T @ states - torch.outer(s_mean, s_mean)
        rest = self.texture**2 * (torch.eye(self.size, dtype=torch.float64) - gain @ a)
        rest = (rest + rest.T) / 2
        roots = root(rest)

        def draw(count, generator):
            drawn = states[chosen(weights, count, generator)]
            return offset + drawn @ moved.T + normal(count, self.size, generator) @ roots.T

        return Posterior(
            offset + moved @ s_mean,
            rest + moved @ s_covariance @ moved.T,
            draw,
            self.posterior_score(a, y, noise_level),
        )


def _passed(logits, between):
    """Log of sum over states t of exp(logits(t)) between(t, s), shape (count, 2^n)."""
    high = logits.amax(dim=-1, keepdim=True)
    tiny = torch.finfo(logits.dtype).tiny
    return high + ((logits - high).exp() @ between).clamp(min=tiny).log()
