"""The networks in the repository are those of the main table of standard, and fit the code."""

import torch
from conftest import ROOT

from workflow.config.jobs import Jobs
from workflow.config.resolve import resolve
from workflow.config.views import networks_shown
from workflow.store.arrays import load_record
from workflow.store.weights import load_prior


def test_released_networks_are_those_that_the_main_table_asks_for():
    config = resolve({"preset": "standard"})
    names = networks_shown(config, ["table1", "priors"])
    assert len(names) == 15  # three of each of three folds of CT and two of faces
    size = 0
    for name in names:
        folder = ROOT / Jobs(config).network_folder(*name.rsplit("/", 1))
        card = load_record(folder / "card.json")
        assert f"{card['dataset']}/{card['name']}" == name
        patches = card["name"] == "patch"
        prior = load_prior(  # the hash is checked, and that the weights fit
            folder / "weights.safetensors", "random_grid" if patches else "whole",
            tuple(card["shape"]), torch.device("cpu"), torch.float32,
        )  # fmt: skip
        assert sum(p.numel() for p in prior.network.parameters()) == card["parameters"]
        for file in ("loss.csv", "validation.csv"):  # without them the rule trains it again
            assert (folder / file).exists()
        size += (folder / "weights.safetensors").stat().st_size
    assert size < 60e6
