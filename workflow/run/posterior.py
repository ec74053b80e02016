"""Rows against the exact posterior of a prior in closed form and one measurement."""

import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from methods.base import Method
from methods.priors.base import Prior
from methods.priors.exact.base import ExactPrior, Posterior
from methods.priors.exact.mixture import MixturePrior
from methods.priors.exact.patches import in_patches
from problems.base import Problem
from problems.noise import ImageNoise, seed_of
from workflow.config.build import build_method, build_problem
from workflow.config.machine import Machine
from workflow.config.spec import Exact
from workflow.plugins.contained import reason_of
from workflow.plugins.discovery import draws
from workflow.run.exact_priors import fit
from workflow.run.harness import Counter, timed
from workflow.run.progress import ProgressLine
from workflow.score import exact as scores
from workflow.store.files import write_text
from workflow.store.images import load_images

POINTS = 4  # runs of a point estimator, which differ if it draws random numbers
REPEATS = 4  # sets of exact samples whose scores are the floor


def posterior(job: Exact, out: Path, images: Path, machine: Machine) -> None:
    """Write the scores of all rows at all numbers of evaluations (CSV)."""
    torch.set_num_threads(machine.threads)
    threadpool_limits(machine.threads)
    pixels = load_images(images).pixels
    prior = fit(job.prior["kind"], job.prior["params"], pixels, seed_of(job.seed, "fit"))
    problem = build_problem(job.family, job.problem_params, prior.shape, machine.operators)
    case = Case(prior, problem, job.samples, [job.seed, job.prior["name"], job.problem])
    lines = case.floor()
    label = f"{job.prior['name']} on {job.problem}"
    line = ProgressLine(label, len(job.rows) * len(job.evaluations), "rows")
    for row in job.rows:
        for wanted in budgets(row, job.evaluations):
            lines.append({"row": row["row"], **case.scored(row, wanted)})
            line.update(len(lines))
    frame = pd.DataFrame(lines)
    frame.insert(0, "problem", job.problem)
    frame.insert(0, "prior", job.prior["name"])
    write_text(out, frame.to_csv(index=False, float_format="%.8g", lineterminator="\n"))


def budgets(row: dict[str, Any], evaluations: list[int]) -> list[int]:
    """The numbers of evaluations of a row; one if it has no parameter to set them with."""
    wanted = row["evaluations"] or evaluations
    return wanted if row["budget"] else wanted[-1:]


def params_at(row: dict[str, Any], evaluations: int, noise_level: float) -> dict[str, Any]:
    """Parameters of a row with about ``evaluations`` evaluations of the prior.

    ``budget`` is a parameter to [each, beyond]: its value v takes each v + beyond of them.
    ``matched`` is a weight to a noise level sigma: it is sigma_y^2 / sigma^2, with which the
    posterior mean of a Gaussian is the fixed point of PnP-ADMM (and of the others for small sigma).
    """
    chosen = dict(row["params"])
    for name, sigma in row["matched"].items():
        chosen[name] = noise_level**2 / chosen[sigma] ** 2
    for name, (each, beyond) in row["budget"].items():
        chosen[name] = max(round((evaluations - beyond) / each), 1)
    return chosen


class Case:
    """A prior, a problem and one measurement of an exact sample of the prior.

    Args:
        samples: K, of each row and of the exact posterior.
        names: what all random numbers are derived from.
    """

    def __init__(self, prior: ExactPrior, problem: Problem, samples: int, names: list[Any]):
        self.prior, self.problem, self.samples, self.names = prior, problem, samples, names
        truth = prior.sample(1, self._generator("truth")).reshape(1, *prior.shape).float()
        self.y = problem.measure(truth, ImageNoise([seed_of(*names, "measure")]))
        if not problem.noise_level:
            raise ValueError(f"{names[-1]}: without noise there is no posterior density")
        self.a = matrix_of(problem)
        self.exact: Posterior = prior.posterior(self.a, self.y.flatten(), problem.noise_level)
        self.whiten = scores.Whitening.of(self.exact.mean.numpy(), self.exact.covariance.numpy())
        self.other = self.draw("reference")
        self.tiles: dict[int, Prior] = {}

    def draw(self, *purpose: Any) -> np.ndarray:
        """K exact samples (K, d)."""
        return self.exact.draw(self.samples, self._generator(*purpose)).numpy()

    def _generator(self, *purpose: Any) -> torch.Generator:
        return torch.Generator().manual_seed(seed_of(*self.names, *purpose))

    def assembled(self, patch: int | None) -> Prior:
        """The prior of whole images, or of tiles of a random grid."""
        if not patch:
            return self.prior
        if patch not in self.tiles:
            self.tiles[patch] = in_patches(self.prior, patch)
        return self.tiles[patch]

    def floor(self) -> list[dict[str, Any]]:
        """Scores of exact samples: what nothing but chance makes of them, on average."""
        sets = [self.scores(self.draw("floor", i), point=False) for i in range(REPEATS)]
        means = {key: float(np.mean([s[key] for s in sets])) for key in sets[0]}
        return [{"row": "exact", "evaluations": 0, "point": False, "status": "ok", **means}]

    def scored(self, row: dict[str, Any], evaluations: int) -> dict[str, Any]:
        """Run a row and score it; a failure is a line with the reason."""
        line = {"evaluations": evaluations, "point": False}
        try:
            method = build_method(
                row["method"], params_at(row, evaluations, self.problem.noise_level)
            )
            line["point"] = not draws(method)
            reason = method.skip(self.problem)
            if row["patch"] and not isinstance(self.prior, MixturePrior):
                reason = "patches are known of Gaussian mixtures only"
            if reason:
                return {**line, "status": "skipped", "reason": reason}
            count = POINTS if line["point"] else None
            x, calls, seconds = self.run(method, row["row"], count, row["patch"])
            if not np.isfinite(x).all():
                raise ValueError("result holds NaN or infinite values")
        except Exception as error:
            traceback.print_exc()
            return {**line, "status": "failed", "reason": reason_of(error)}
        line |= {"evaluations": calls["denoiser_calls"], "status": "ok", "seconds": seconds}
        return {**line, **self.scores(x, line["point"])}

    def run(
        self, method: Method, name: str, count: int | None = None, patch: int | None = None
    ) -> tuple[np.ndarray, dict[str, float], float]:
        """Samples (n, d) of a method, not clipped, calls and seconds per sample."""
        count = count or self.samples
        noise = ImageNoise([seed_of(*self.names, "run", name, i) for i in range(count)])
        counter = Counter()
        prior = counter.watch_prior(self.assembled(patch).bind(noise))
        y = self.y.expand(count, *self.y.shape[1:]).clone()
        x, seconds = timed(method, y, self.problem, prior, noise, lambda done, total: None)
        calls = {name: calls / count for name, calls in counter.counts.items()}
        return x.flatten(1).double().numpy(), calls, seconds / count

    def scores(self, x: np.ndarray, point: bool) -> dict[str, float]:
        """All scores of samples (n, d), for a point estimator that of its mean.

        ``mean_error`` is relative to the norm of the posterior mean, ``mean_shift`` to that of the
        posterior's standard deviations; both are roots of unbiased estimates, 0 if negative.
        """
        mean, spread = self.exact.mean.numpy(), self.exact.spread.numpy()
        if point:
            squared, error = float(((x - mean) ** 2).sum(axis=1).mean()), float("nan")
        else:
            squared, error = scores.mean_error(x, mean)
        gap, size, width = max(squared, 0.0) ** 0.5, np.linalg.norm(mean), np.linalg.norm(spread)
        found = {"mean_error": gap / size, "mean_shift": gap / width}
        if point:
            return found
        upper = max(squared + 2 * error, 0.0) ** 0.5
        u, v = self.whiten(x), self.whiten(self.other)
        gradients = self.exact.score(torch.from_numpy(x)).numpy()
        return {
            **found,
            "mean_error_upper": upper / size,
            "chance": width / size / len(x) ** 0.5,
            "spread_ratio": scores.spread_ratio(x, spread),
            "spread_error": scores.spread_error(x, spread),
            "sliced_wasserstein": scores.sliced_wasserstein(u, v),
            "c2st": scores.c2st(u, v),
            "kernel_stein": scores.kernel_stein(u, self.whiten.gradients(gradients)),
        }


def matrix_of(problem: Problem) -> torch.Tensor:
    """The operator as a matrix (m, d), column by column, float64."""
    size = int(np.prod(problem.shape))
    basis = torch.eye(size).reshape(size, *problem.shape)
    return problem.physics.A(basis).flatten(1).double().T
