"""Weights on disk: what is damaged, mismatching or foreign is refused in one line."""

import json

import pytest
import torch

from methods.priors.networks import NetworkParams
from methods.priors.training import TrainingParams
from workflow.plugins.contract.methods import small_network
from workflow.store.arrays import StoreError
from workflow.store.weights import load_prior, save_weights

SHAPE = (1, 24, 20)
CPU, F32 = torch.device("cpu"), torch.float32


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "patch" / "weights.safetensors"
    card = {
        "network": small_network().params._asdict(),
        "training": TrainingParams(patch=8, sizes=(8,))._asdict(),
        "shape": list(SHAPE),
    }
    save_weights(path, small_network(), card)
    return path


def test_weights_survive_the_disk(weights):
    prior = load_prior(weights, "random_grid", SHAPE, CPU, F32)
    assert prior.patch == 8
    for a, b in zip(prior.network.parameters(), small_network().parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def other_shape(path):
    edit_card(path, shape=[3, 32, 32])


def whole_images(path):
    edit_card(path, training=TrainingParams()._asdict())


def wider(path):
    edit_card(path, network=NetworkParams(width=16, multipliers=(1, 2), blocks=1)._asdict())


def edit_card(path, **changes):
    card = path.with_name("card.json")
    card.write_text(json.dumps({**json.loads(card.read_text()), **changes}))


FAULTS = [
    (truncate, "does not match its card"),
    (other_shape, r"trained for \[3, 32, 32\]"),
    (whole_images, "trained on whole images"),
    (wider, "does not fit its card"),
    (lambda path: path.unlink(), "missing"),
    (lambda path: path.with_name("card.json").write_text("{"), "damaged"),
]


@pytest.mark.parametrize(("fault", "message"), FAULTS)
def test_faulty_weights_are_refused(weights, fault, message):
    fault(weights)
    with pytest.raises(StoreError, match=message) as error:
        load_prior(weights, "random_grid", SHAPE, CPU, F32)
    assert "\n" not in str(error.value)
