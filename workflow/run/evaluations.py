"""How often a row evaluates its prior: counted, with a prior that computes nothing."""

from collections.abc import Callable
from typing import Any

import torch

from methods.priors.base import Prior
from problems.base import Problem
from problems.noise import ImageNoise
from workflow.config.build import build_method, build_problem
from workflow.config.views import params_of, prior_of
from workflow.run.harness import Counter, timed

SIDE = 32  # of the images on which evaluations are counted, their number is that of large ones
Counts = tuple[float, float]  # evaluations per image, and those of which the gradient is taken


class Halving(Prior):
    """Takes half of what it is given."""

    def _denoise(self, x, sigma):
        return 0.5 * x


def counting(config: dict[str, Any]) -> Callable[[str, str], Counts]:
    """The function that counts the evaluations of a row on a problem of ``config``, per image.

    Rows of one method whose parameters differ in numbers with a point only are counted once.
    """
    problems: dict[str, Problem] = {}
    known: dict[str, Counts] = {}

    def counts(problem: str, row: str) -> Counts:
        chosen, prior = config["rows"][row], prior_of(config, row)
        if prior is None:
            return 0, 0
        method = build_method(chosen["method"], params_of(chosen, problem))
        if problem not in problems:
            settings = config["problems"][problem]
            problems[problem] = build_problem(
                settings["family"], settings["params"], (1, SIDE, SIDE)
            )
        if method.skip(problems[problem]):
            return 0, 0
        whole = {k: v for k, v in vars(method.params).items() if not isinstance(v, float)}
        key = f"{chosen['method']} {whole}"
        if key not in known:
            known[key] = counted(method, problems[problem])
        return known[key]

    return counts


def counted(method, problem: Problem) -> Counts:
    """Evaluations and gradients of ``method`` on one image."""
    counter, noise = Counter(), ImageNoise([0], "cpu")
    network = torch.nn.Identity()
    prior = counter.watch_prior(Halving(network, problem.shape).bind(noise))
    y = problem.measure(torch.rand(1, *problem.shape), noise)
    timed(method, y, problem, prior, noise, lambda done, total: None)
    return counter.counts["denoiser_calls"], counter.counts["jacobian_calls"]
