"""The README and docs/: short enough, and their links lead somewhere."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT
from running import workflow

from workflow.show.reference import REFERENCES

README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r'\]\(([^)\s]+)\)|src="([^"]+)"')


def headings(page):
    """Anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    found = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page):
    links = [link or source for link, source in LINK.findall(page.read_text())]
    for link in links:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


def test_the_readme_is_short_and_links_every_page():
    text = README.read_text()
    assert len(text.splitlines()) <= 220
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in text, page.name


def test_ci_finds_the_command_of_the_tests():
    lines = README.read_text().splitlines()
    found = [line for line in lines if re.match(r"pip install .* && python -m pytest", line)]
    assert len(found) == 1


def test_the_site_builds_without_a_broken_link(tmp_path):
    """The committed pages alone: a run in results/ is not published."""
    pytest.importorskip("mkdocs")
    code, output = workflow(ROOT, "site")
    assert code == 0, output
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {str(page.relative_to(tmp_path / "site")) for page in tmp_path.rglob("index.html")}
    assert {"index.html", "docs/findings/index.html"} <= pages
    assert (tmp_path / "site/results/reference/standard/figures/table1/ct20.png").exists()
    assert not (tmp_path / "site/results/cache").exists()
    for name in ("standard", "quick"):
        page = tmp_path / f"site/pages/{name}.html"
        text, committed = page.read_text(), pd.read_csv(REFERENCES / f"{name}/tables/table1.csv")
        shown = json.loads(re.search(r'id="scores">(.*?)</script>', text, re.S)[1])["psnr"]["rows"]
        padis = committed[committed["method"] == "padis"].set_index("problem")["psnr"]
        assert {p: shown["padis"][p]["value"] for p in padis.index} == pytest.approx(
            padis.to_dict()
        )
        links = re.findall(r'href="(\.\./[^"]*)"', text)
        assert len(links) == 3
        assert all((page.parent / link).exists() for link in links), links
