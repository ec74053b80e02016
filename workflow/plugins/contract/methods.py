"""The contract of ``methods.base.Method``."""

import contextlib
import io
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

import torch
import yaml

from methods.priors.assembly import assemble
from methods.priors.networks import Denoiser, NetworkParams
from problems.noise import ImageNoise
from workflow.plugins.contract import Check, ContractError, UnusableError, labelled, require
from workflow.plugins.discovery import PACKAGES, ROOT, draws, find, load
from workflow.plugins.params import PluginError, defaults, make_params
from workflow.plugins.watch import WatchedNoise, check_result, seeded

GREY, COLOUR = (1, 24, 20), (3, 16, 16)
PATCH = 8  # pixels, of the network in place of the trained one
FAMILIES = {"ct": {"views": 6}, "superresolution": {}, "inpainting": {}, "deblurring": {}}
TOLERANCE = 1e-2  # between a batch and its images alone
ROUNDED = 0.01  # of the difference of two samples that rounding may change in a batch
SHORT = {"levels": 3, "updates": 2, "iterations": 4, "steps": 5}


def small_network(channels: int = 1, seed: int = 0) -> Denoiser:
    """A denoiser with random weights that are not the zeros it starts from."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Denoiser(channels, NetworkParams(width=8, multipliers=(1, 2), blocks=1))
        for parameter in network.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
    return network.eval().requires_grad_(False)


def small_prior(name: str | None, shape: tuple[int, int, int], patch: int = PATCH):
    """The prior that the presets call ``name``, over a small random network; None for None."""
    if name is None:
        return None
    priors = yaml.safe_load((ROOT / "workflow" / "presets" / "common.yaml").read_text())["priors"]
    if name not in priors:
        raise ContractError(f"prior is {name!r}, which is not one of {', '.join(priors)} or None")
    assembly = priors[name]["assembly"]
    return assemble(small_network(shape[0]), shape, assembly, patch, 2)


class Case:
    """A method on two small images, with few iterations where it has the usual parameters."""

    def __init__(self, name: str, params: dict[str, Any]):
        self.plugin = find("method", name)
        self.cls = self.plugin.cls
        make_params(self.cls.Params, defaults(self.cls.Params), name)  # within their own limits
        self.params = make_params(self.cls.Params, params, name)
        names = {f.name for f in fields(self.params)} - set(params)
        short = {k: min(v, getattr(self.params, k)) for k, v in SHORT.items() if k in names}
        self.params = replace(self.params, **short)
        self.drawn = self.y_changed = self.draws_globally = False

    def run(self, shape=GREY, seeds=(1, 2), y=None):
        """Reconstruct; return x_hat and y. The problem is the first that is not skipped."""
        method = self.cls(self.params)
        for family, values in FAMILIES.items():
            cls = load("problem", family)
            problem = cls(shape, make_params(cls.Params, values, family))
            reason = method.skip(problem)
            if not reason:
                break
        else:
            raise ContractError(
                f"every problem is skipped at shape {shape}, the last one: {reason}"
            )
        if y is None:
            truth = torch.rand(2, *shape, generator=torch.Generator().manual_seed(5))
            y = problem.measure(truth, ImageNoise([3, 4]))
        noise = WatchedNoise(list(seeds))
        prior = small_prior(self.cls.prior, shape)
        prior = prior.bind(noise) if prior else None
        given = y.clone()
        inference = torch.inference_mode(not self.cls.jacobian)
        with inference, torch.no_grad(), seeded(0) as drawn:
            x = method.reconstruct(given, problem, prior, noise, lambda done, total: None)
            self.draws_globally |= drawn()
        self.drawn = noise.drawn
        self.y_changed |= not torch.equal(given, y)
        return x, y


def images(case: Case) -> None:
    """The result is float32 (B, C, H, W) without NaN, for rectangles and for colour."""
    for shape in (GREY, COLOUR):
        x, _ = case.run(shape)
        try:
            check_result(x, (2, *shape), torch.device("cpu"))
        except ValueError as error:
            raise UnusableError(str(error)) from None


def input_kept(case: Case) -> None:
    """The measurements are left as they were."""
    case.run()
    require(not case.y_changed, "y was changed in place: work on y.clone()")


def global_state(case: Case) -> None:
    """Global random numbers are neither used nor seeded."""
    case.run()
    if case.draws_globally:  # what other checks would say is that again
        raise UnusableError(
            "the state of torch's, NumPy's or Python's global random numbers has changed: "
            "draw from `noise`, and seed nothing"
        )


def same_seed(case: Case) -> None:
    """Equal seeds give equal results."""
    first, y = case.run()
    require(
        torch.equal(first, case.run(y=y)[0]),
        "two runs with equal seeds differ: draw random numbers from `noise` only",
    )


def other_seed(case: Case) -> None:
    """Another seed gives another result if random numbers are drawn, and else the same."""
    first, y = case.run()
    drawn = case.drawn
    changed = not torch.equal(first, case.run(seeds=(7, 8), y=y)[0])
    require(
        changed or not drawn, "random numbers are drawn from `noise`, but do not change the result"
    )
    require(not changed or drawn, "the result changes with the seed, but nothing is drawn")


def alone(case: Case) -> None:
    """Image i of a batch is reconstructed as if it were alone."""
    both, y = case.run()
    singles = [case.run(seeds=(s,), y=y[i : i + 1])[0] for i, s in enumerate((1, 2))]
    far = float((both - torch.cat(singles)).abs().max())
    require(
        far <= TOLERANCE,
        f"in a batch of two an image differs by {far:.2g} from that of a batch of one: norms, "
        "means and stopping rules must be of each image, not of the batch",
    )


def samples(case: Case) -> None:
    """What says that it samples gives other samples with other seeds; K of them are K runs."""
    if not draws(case.cls(case.params)):
        return
    _, y = case.run()
    seeds = (1, 7, 9)
    several = case.run(seeds=seeds, y=y[:1].expand(len(seeds), *y.shape[1:]).clone())[0]
    require(case.drawn, "it says that it samples, but draws nothing: remove samples = True")
    singles = [case.run(seeds=(seed,), y=y[:1])[0] for seed in seeds]
    far = float((several - torch.cat(singles)).abs().max())
    near = min(float((a - b).abs().max()) for a, b in combinations(several, 2))
    require(
        far <= max(TOLERANCE, ROUNDED * near),
        f"a sample differs by {far:.2g} from that of a run of its own: draw from `noise`, which "
        "has a generator for each image, and take norms and means of each image",
    )
    require(near > far, "samples of two seeds are the same: random numbers change nothing")


def quiet(case: Case) -> None:
    """Nothing is printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        case.run()
    require(
        not printed.getvalue(), f"it prints {printed.getvalue()[:40]!r}: call `progress` instead"
    )


def parameters(case: Case) -> None:
    """Params is a frozen dataclass, and unknown parameters are refused."""
    try:
        make_params(case.cls.Params, {"no_such_parameter": 1}, case.plugin.name)
    except PluginError:
        frozen = case.cls.Params.__dataclass_params__.frozen
        require(frozen, "Params is not frozen: @dataclass(frozen=True)")
    else:
        raise ContractError("Params takes any parameter: make it a dataclass")


def imports(case: Case) -> None:
    """Of the project it imports methods and problems only."""
    import ast

    for node in ast.walk(ast.parse(case.plugin.path.read_bytes())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            forbidden = set(PACKAGES) - {"methods", "problems"}
            require(name.split(".")[0] not in forbidden, f"it imports {name}: remove that")


CHECKS: list[Check] = [
    *(labelled, parameters, imports, images, input_kept, quiet, global_state),
    *(same_seed, other_seed, alone, samples),
]
