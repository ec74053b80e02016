"""Cost counting, resuming, and failures that become records."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from methods.base import Method
from methods.padis import PaDIS
from methods.pnp_admm import PnPADMM
from problems.ct import CT
from workflow.plugins.contract.methods import small_network, small_prior
from workflow.run import harness
from workflow.store.arrays import StoreError, save_arrays

IDS = [f"p_{i}" for i in range(5)]


class Recorder(Method):
    """A method that does what ``act`` says and notes what it was given."""

    label = reference = "test"

    @dataclass(frozen=True)
    class Params:
        """None."""

    def __init__(self, act):
        super().__init__(self.Params())
        self.act, self.batches = act, []

    def reconstruct(self, y, problem, prior, noise, progress):
        self.batches.append(len(y))
        return self.act(y, problem)


def run(method, tmp_path, prior=None, batch=2, seeds=((1, 2, 3, 4, 5),), folds=(1,) * 5):
    priors = prior if isinstance(prior, list) else [prior] * bool(prior)
    problem = CT((1, 24, 20), CT.Params(views=6))
    truth = torch.rand(5, 1, 24, 20, generator=torch.Generator().manual_seed(0))
    measured = {"y": problem.physics.A(truth).numpy(), "ids": np.array(IDS)}
    measured["folds"] = np.array(folds)
    return harness.reconstruct(
        method, problem, priors, measured, seeds, batch, torch.device("cpu"), tmp_path / "parts",
        "test",
    )  # fmt: skip


def test_a_record_says_where_a_method_starts_and_its_noise_levels():
    params = PaDIS.Params(start="noise", sigma_max=0.5, sigma_min=0.02)
    assert harness.ran(PaDIS(params)) == "from noise, 0.5 to 0.02"
    assert harness.ran(PnPADMM(PnPADMM.Params(sigma=0.03))) == "from baseline, 0.03"
    assert harness.ran(Recorder(None)) == "from baseline"


def test_each_image_has_the_prior_of_its_fold(tmp_path):
    method = PaDIS(PaDIS.Params(levels=2, updates=1))
    priors = [small_prior("padis", (1, 24, 20)) for _ in range(2)]
    priors[1].network = small_network(seed=1)
    first, second = (run(method, tmp_path / f"{i}", prior)[0] for i, prior in enumerate(priors))
    both, record = run(method, tmp_path / "both", priors, folds=(1, 1, 1, 2, 2))
    assert [image["id"] for image in record["images"]] == IDS
    assert np.array_equal(both[:2], first[:2])
    assert np.abs(both[:3] - first[:3]).max() < 1e-5  # the third in a batch of its own
    assert np.abs(both[3:] - second[3:]).max() < 1e-5
    assert not np.allclose(both[3:], first[3:], atol=1e-3)
    slices = harness.batches_of([1, 1, 1, 2, 2, 3], 2)
    assert [(s.start, s.stop) for s in slices] == [(0, 2), (2, 3), (3, 5), (5, 6)]


def test_costs_are_counted_per_image(tmp_path):
    method = PaDIS(PaDIS.Params(levels=3, updates=2))
    x_hat, record = run(method, tmp_path, small_prior("padis", (1, 24, 20)))
    assert record["status"] == "ok"
    assert x_hat.shape == (5, 1, 24, 20)
    assert x_hat.min() >= 0
    assert x_hat.max() <= 1
    assert [image["id"] for image in record["images"]] == IDS
    for image in record["images"]:
        for name in ("denoiser_calls", "jacobian_calls", "forward_calls", "adjoint_calls"):
            assert image[name] == 6, name
        assert image["seconds"] > 0
        assert image["peak_memory_mb"] > 0


def test_methods_that_draw_are_repeated_and_others_are_not(tmp_path):
    from problems.datasets.base import Images
    from workflow.score.metrics import score_row

    seeds = [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    method, prior = PaDIS(PaDIS.Params(levels=3, updates=2)), small_prior("padis", (1, 24, 20))
    first, _ = run(method, tmp_path / "a", prior)
    both, record = run(method, tmp_path / "b", prior, seeds=seeds)
    assert np.array_equal(both[:5], first)
    assert not np.array_equal(both[5:], first)
    assert [(image["id"], image["repeat"]) for image in record["images"]] == [
        (id_, repeat) for repeat in (0, 1) for id_ in IDS
    ]
    problem, truth = CT((1, 24, 20), CT.Params(views=6)), np.zeros((5, 1, 24, 20), np.float32)
    frame = score_row(
        Images(truth, IDS, list("ppqqq"), [1] * 5), np.ones((5, 1, 6, 1)), problem, both, record
    )
    assert frame["seed"].tolist() == [0] * 5 + [1] * 5
    assert frame["cluster"].tolist() == list("ppqqq") * 2
    plain = Recorder(lambda y, problem: problem.baseline(y))
    x_hat, record = run(plain, tmp_path / "c", seeds=seeds)
    assert (len(x_hat), len(record["images"]), plain.batches) == (5, 5, [2, 2, 1])


def test_a_killed_run_resumes_at_the_next_batch(tmp_path, monkeypatch):
    def die_at_the_third(path, **arrays):
        if len(dying.batches) == 3:
            raise KeyboardInterrupt
        save_arrays(path, **arrays)

    monkeypatch.setattr(harness, "save_arrays", die_at_the_third)
    dying = Recorder(lambda y, problem: problem.baseline(y))
    with pytest.raises(KeyboardInterrupt):
        run(dying, tmp_path)
    monkeypatch.undo()
    second = Recorder(lambda y, problem: problem.baseline(y))
    x_hat, record = run(second, tmp_path)
    assert second.batches == [1]
    straight, _ = run(Recorder(lambda y, problem: problem.baseline(y)), tmp_path / "other")
    assert np.array_equal(x_hat, straight)
    assert len(record["images"]) == 5
    third = Recorder(explode)  # the batches are there until the result is saved
    assert np.array_equal(run(third, tmp_path)[0], x_hat)


def test_a_damaged_part_is_made_again(tmp_path):
    part = tmp_path / "parts" / "00000.npz"
    part.parent.mkdir()
    part.write_bytes(b"half a file")
    method = Recorder(lambda y, problem: problem.baseline(y))
    run(method, tmp_path)
    assert method.batches == [2, 2, 1]


def explode(y, problem):
    raise RuntimeError("first line\nsecond line")


def test_global_random_numbers_are_the_same_for_every_run_and_given_back(tmp_path):
    def careless(y, problem):
        noise = torch.randn_like(problem.baseline(y)) + np.float32(np.random.rand())  # noqa: NPY002
        torch.manual_seed(5)
        return problem.baseline(y) + 0.1 * noise

    torch.manual_seed(1)
    before = torch.get_rng_state()
    seeds = [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]
    first, record = run(Recorder(careless), tmp_path / "a", seeds=seeds)
    assert torch.equal(torch.get_rng_state(), before)
    assert len(record["images"]) == 10  # it draws, so that it is repeated
    assert not np.array_equal(first[:5], first[5:])
    torch.manual_seed(2)
    np.random.seed(2)  # noqa: NPY002
    again, _ = run(Recorder(careless), tmp_path / "b", seeds=seeds)
    assert np.array_equal(first, again)


def test_a_skipped_problem_says_why(tmp_path):
    method = Recorder(explode)
    method.skip = lambda problem: "no pseudo-inverse"
    _, record = run(method, tmp_path)
    assert (record["status"], record["reason"]) == ("skipped", "no pseudo-inverse")


def test_scores_match_scikit_image_and_failures_keep_their_reason(tmp_path):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    from problems.datasets.base import Images
    from workflow.score.metrics import score_row

    problem = CT((1, 24, 20), CT.Params(views=6))
    truth = torch.rand(5, 1, 24, 20, generator=torch.Generator().manual_seed(0)).numpy()
    y = problem.physics.A(torch.from_numpy(truth)).numpy()
    x_hat, record = run(Recorder(lambda y, problem: problem.baseline(y)), tmp_path)
    images = Images(truth, IDS, ["p"] * 5, [1] * 5)
    frame = score_row(images, y, problem, x_hat, record)
    assert frame["image"].tolist() == IDS
    assert frame["psnr"][3] == pytest.approx(
        peak_signal_noise_ratio(truth[3], x_hat[3], data_range=1)
    )
    expected = structural_similarity(truth[3, 0], x_hat[3, 0], data_range=1)
    assert frame["ssim"][3] == pytest.approx(expected)
    perfect = score_row(images, y, problem, truth, record)
    assert perfect["residual"].max() < 1e-5
    assert perfect["ssim_gaussian"].min() > 0.999
    assert frame["residual"].min() > 0.01
    failed = score_row(
        images, y, problem, x_hat[:0], {**record, "status": "failed", "reason": "why"}
    )
    assert failed[["status", "reason"]].to_numpy().tolist() == [["failed", "why"]]
    with pytest.raises(StoreError, match="other images"):
        score_row(images._replace(ids=list("abcde")), y, problem, x_hat, record)
