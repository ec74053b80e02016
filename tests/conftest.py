"""Small problems, networks and priors that the tests share."""

import shutil
from pathlib import Path

import pytest
import torch

from problems.ct import CT
from problems.datasets.sources import SOURCES, DownloadError, fetch, stored
from workflow.config.resolve import resolve

ROOT = Path(__file__).resolve().parent.parent
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def ct() -> CT:
    """CT of 24 x 20 grey images from 6 views."""
    return CT((1, 24, 20), CT.Params(views=6))


@pytest.fixture(scope="session")
def downloads():
    """The folder of downloads, filled once; skips where the network is absent."""
    folder = ROOT / resolve({"preset": "smoke"})["cache"] / "downloads"
    missing = {s.requirement for n, s in SOURCES.items() if not stored(n, folder).exists()}
    try:
        for requirement in missing:
            fetch(requirement, folder)
    except DownloadError as error:
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project folder in which everything has run once; not to be changed."""
    from running import copy_project, run

    folder = copy_project(tmp_path_factory.mktemp("finished"))
    code, output = run(folder)
    assert code == 0, output[-3000:]
    return folder


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished folder, to be changed."""
    return shutil.copytree(finished, tmp_path / "project")
