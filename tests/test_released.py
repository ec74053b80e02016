"""The networks in the repository are those of docs/ct256.yaml, whole, and fit the present code."""

import torch
from conftest import ROOT

from workflow.config.jobs import Jobs
from workflow.config.resolve import read, resolve
from workflow.config.views import networks_shown
from workflow.store.arrays import load_record
from workflow.store.weights import load_prior


def test_released_networks_are_those_that_the_configuration_asks_for():
    config = resolve(read(ROOT / "docs/ct256.yaml"))
    names = networks_shown(config, ["sampler"])
    assert len(names) == 6
    for name in names:
        folder = ROOT / Jobs(config).network_folder(*name.rsplit("/", 1))
        card = load_record(folder / "card.json")
        assert f"{card['dataset']}/{card['name']}" == name
        whole = card["name"] == "whole"
        prior = load_prior(  # the hash is checked, and that the weights fit
            folder / "weights.safetensors", "whole" if whole else "random_grid", (1, 256, 256),
            torch.device("cpu"), torch.float32,
        )  # fmt: skip
        assert sum(p.numel() for p in prior.network.parameters()) == card["parameters"]
        for file in ("loss.csv", "validation.csv"):  # without them the rule trains it again
            assert (folder / file).exists()
