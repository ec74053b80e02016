"""Controls against their definition."""

import numpy as np
import torch
from scipy.sparse.linalg import lsqr

from problems.ct import CT
from problems.datasets.base import Images
from problems.inpainting import Inpainting
from problems.superresolution import Superresolution
from workflow.config.views import CONTROLS as LABELS
from workflow.run.controls import CONTROLS, training_means
from workflow.store.images import open_images, save_images

SHAPE = (1, 16, 12)


def images(count, seed):
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def test_every_control_has_a_label():
    assert set(CONTROLS) == set(LABELS)


def test_mean_image_is_that_of_the_training_images_of_the_fold(tmp_path):
    pixels, folds = images(5, 1).numpy(), [1, 1, 1, 2, 2]
    save_images(tmp_path / "train.npy", Images(pixels, list("abcde"), list("pppqq"), folds))
    training = open_images(tmp_path / "train.npy")
    truth = Images(images(3, 0).numpy(), list("xyz"), list("rrs"), [1, 1, 2])
    mean = training_means(truth, training)
    expected = np.stack([pixels[:3].mean(0), pixels[:3].mean(0), pixels[3:].mean(0)])
    np.testing.assert_allclose(mean.numpy(), expected, rtol=1e-6)
    assert CONTROLS["mean_image"](None, torch.from_numpy(truth.pixels), mean) is mean


def test_oracle_keeps_what_is_measured_and_takes_the_rest_from_the_mean():
    truth, train = images(2, 0), images(5, 1)
    known = Inpainting(SHAPE, Inpainting.Params())
    mask = known.physics.A(torch.ones(1, *SHAPE))
    oracle = CONTROLS["oracle"](known, truth, train.mean(dim=0).expand_as(truth))
    torch.testing.assert_close(oracle, mask * truth + (1 - mask) * train.mean(dim=0))


def test_oracle_is_the_projection_by_the_pseudo_inverse():
    truth, train = images(2, 0), images(5, 1)
    mean = train.mean(dim=0)
    problem = Superresolution(SHAPE, Superresolution.Params())
    basis = torch.eye(truth[0].numel()).reshape(-1, *SHAPE)
    a = problem.physics.A(basis).flatten(1).T.double()
    projected = (torch.linalg.pinv(a) @ a @ (truth - mean).flatten(1).T.double()).T
    expected = mean + projected.reshape(truth.shape).float()
    oracle = CONTROLS["oracle"](problem, truth, train.mean(dim=0).expand_as(truth))
    torch.testing.assert_close(oracle, expected, atol=1e-4, rtol=0)


def test_oracle_of_an_ill_conditioned_problem_against_lsqr():
    truth, train = images(1, 0), images(5, 1)
    difference = (truth - train.mean(dim=0)).double().flatten().numpy()
    problem = CT(SHAPE, CT.Params(views=6))
    basis = torch.eye(truth[0].numel()).reshape(-1, *SHAPE)
    a = problem.physics.A(basis).flatten(1).T.double().numpy()
    solution = lsqr(a, a @ difference, atol=1e-14, btol=1e-14, conlim=0, iter_lim=5000)[0]
    expected = train.mean(dim=0) + torch.from_numpy(solution).reshape(truth.shape).float()
    oracle = CONTROLS["oracle"](problem, truth, train.mean(dim=0).expand_as(truth))
    torch.testing.assert_close(oracle, expected, atol=1e-3, rtol=0)
    assert float((oracle - truth).abs().max()) > 0.01  # the null-space is not empty
