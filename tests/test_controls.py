"""Controls against their definition."""

import torch
from scipy.sparse.linalg import lsqr

from problems.ct import CT
from problems.inpainting import Inpainting
from problems.superresolution import Superresolution
from workflow.config.views import CONTROLS as LABELS
from workflow.run.controls import CONTROLS

SHAPE = (1, 16, 12)


def images(count, seed):
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def test_every_control_has_a_label():
    assert set(CONTROLS) == set(LABELS)


def test_mean_image_is_that_of_the_training_images():
    truth, train = images(2, 0), images(5, 1)
    mean = CONTROLS["mean_image"](None, truth, train)
    torch.testing.assert_close(mean, train.mean(dim=0).expand(2, *SHAPE))


def test_oracle_keeps_what_is_measured_and_takes_the_rest_from_the_mean():
    truth, train = images(2, 0), images(5, 1)
    known = Inpainting(SHAPE, Inpainting.Params())
    mask = known.physics.A(torch.ones(1, *SHAPE))
    oracle = CONTROLS["oracle"](known, truth, train)
    torch.testing.assert_close(oracle, mask * truth + (1 - mask) * train.mean(dim=0))


def test_oracle_is_the_projection_by_the_pseudo_inverse():
    truth, train = images(2, 0), images(5, 1)
    mean = train.mean(dim=0)
    problem = Superresolution(SHAPE, Superresolution.Params())
    basis = torch.eye(truth[0].numel()).reshape(-1, *SHAPE)
    a = problem.physics.A(basis).flatten(1).T.double()
    projected = (torch.linalg.pinv(a) @ a @ (truth - mean).flatten(1).T.double()).T
    expected = mean + projected.reshape(truth.shape).float()
    oracle = CONTROLS["oracle"](problem, truth, train)
    torch.testing.assert_close(oracle, expected, atol=1e-4, rtol=0)


def test_oracle_of_an_ill_conditioned_problem_against_lsqr():
    truth, train = images(1, 0), images(5, 1)
    difference = (truth - train.mean(dim=0)).double().flatten().numpy()
    problem = CT(SHAPE, CT.Params(views=6))
    basis = torch.eye(truth[0].numel()).reshape(-1, *SHAPE)
    a = problem.physics.A(basis).flatten(1).T.double().numpy()
    solution = lsqr(a, a @ difference, atol=1e-14, btol=1e-14, conlim=0, iter_lim=5000)[0]
    expected = train.mean(dim=0) + torch.from_numpy(solution).reshape(truth.shape).float()
    oracle = CONTROLS["oracle"](problem, truth, train)
    torch.testing.assert_close(oracle, expected, atol=1e-3, rtol=0)
    assert float((oracle - truth).abs().max()) > 0.01  # the null-space is not empty
