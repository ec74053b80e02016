"""The networks in the repository are those of quick and standard, and fit the code."""

import pytest
import torch
from conftest import ROOT

from workflow.config.jobs import Jobs
from workflow.config.resolve import resolve
from workflow.config.views import networks_shown
from workflow.store.arrays import load_record
from workflow.store.weights import load_prior


@pytest.mark.parametrize("preset", ["quick", "standard"])
def test_released_networks_are_those_that_all_asks_for(preset):
    config = resolve({"preset": preset})
    made = [name for name, table in config["tables"].items() if not table["extra"]]
    names = networks_shown(config, made)
    assert len(names) == 15  # three of each of three folds of CT and two of faces
    for name in names:
        folder = ROOT / Jobs(config).network_folder(name)
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
    stored = (ROOT / "results/networks").glob("*/weights.safetensors")
    assert sum(path.stat().st_size for path in stored) < 60e6
