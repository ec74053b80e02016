"""Small problems, networks and priors that the tests share."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from problems.ct import CT
from problems.datasets.sources import SOURCES, DownloadError, fetch_missing
from workflow.config.resolve import resolve

ROOT = Path(__file__).resolve().parent.parent
RUNS = {"finished", "project", "downloads"}  # fixtures that start Snakemake or download


@pytest.fixture(autouse=True)
def one_thread():
    """Jobs set the number of threads of their process, and a fork of several threads hangs."""
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """Mark the tests of whole runs as slow; others have the mark where they are. They come first.

    A slow test that comes last keeps one process busy and the other idle.
    """
    for item in items:
        if RUNS & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not item.get_closest_marker("slow"))


@pytest.fixture(scope="session")
def ct() -> CT:
    """CT of 24 x 20 grey images from 6 views."""
    return CT((1, 24, 20), CT.Params(views=6))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A folder that all processes of this run of the tests share (``-n`` of pytest-xdist)."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def downloads(shared):
    """The folder of downloads, filled once; skips where the network is absent."""
    folder = ROOT / resolve({"preset": "smoke"})["cache"] / "downloads"
    with FileLock(shared / "downloads.lock"):
        try:
            fetch_missing(SOURCES, folder)
        except DownloadError as error:
            pytest.skip(str(error))
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory, shared):
    """A project folder in which everything has run once; not to be changed."""
    from running import copy_project, run

    with FileLock(shared / "finished.lock"):
        if not (shared / "finished").exists():
            folder = copy_project(tmp_path_factory.mktemp("first"))
            code, output = run(folder)
            assert code == 0, output[-3000:]
            folder.rename(shared / "finished")
    return shared / "finished"


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished folder, to be changed."""
    no_cache = shutil.ignore_patterns("__pycache__")  # another process may be writing there
    return shutil.copytree(finished, tmp_path / "project", ignore=no_cache)
