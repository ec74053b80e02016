"""The report: what the page says, without a browser (``test_page`` has one)."""

import json
import re
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure
from running import CONTROLS, ROWS, SETTINGS, workflow

from problems.datasets import description
from workflow.config import shown
from workflow.config.layers import Layers
from workflow.config.resolve import resolve
from workflow.config.spec import Show, save_spec
from workflow.config.views import params_of
from workflow.config.yaml import parse
from workflow.score.intervals import half_width
from workflow.score.scores import METRICS, read_all
from workflow.show import cells, html, leaderboard, tables
from workflow.show.report import report
from workflow.show.settings import to_copy

PAGE = "results/test/report/index.html"


class Links(HTMLParser):
    """Collects what a page would load, and its identifiers."""

    def __init__(self):
        super().__init__()
        self.loaded, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if found.get("id") else []
        self.loaded += [found["src"]] if "src" in found else []
        if tag == "link":
            self.loaded.append(found["href"])


def test_the_page_loads_nothing(finished):
    text = (finished / PAGE).read_text()
    links = Links()
    links.feed(text)
    assert all(uri.startswith("data:") for uri in links.loaded)
    assert len(links.ids) == len(set(links.ids))
    assert "@import" not in text
    parts = ("leaderboard", "settings", "differences", "cost", "gallery", "claims", "data")
    assert {*parts, "provenance"} <= set(links.ids)
    assert "ablations" not in links.ids  # this run has none


def test_the_page_is_the_same_every_time(project):
    settings = shown.page(resolve(SETTINGS), ["table1"], SETTINGS).settings
    spec = "results/test/specs/again.json"
    save_spec(project / spec, Show(name="report", settings=settings))
    results = project / "results/test"
    patterns = ("tables/*.json", "tables/claims.csv", "figures/*.png")
    parts = [str(p.relative_to(project)) for pattern in patterns for p in results.glob(pattern)]
    again = "results/test/report/again.html"
    code, output = workflow(project, "report", spec, again, *sorted(parts))
    assert code == 0, output
    first, second = ((project / page).read_text() for page in (PAGE, again))
    made = re.compile(r"<dt>(Made|Commit)</dt>.*")
    assert made.sub("", first) == made.sub("", second)


def test_the_leaderboard_has_the_means_and_intervals_of_the_scores(finished):
    text = (finished / PAGE).read_text()
    shown = json.loads(re.search(r'id="scores">(.*?)</script>', text, re.S)[1])
    assert list(shown) == sorted(METRICS)
    frame = pd.read_csv(finished / "results/test/images.csv")
    of_row = frame[(frame["method"] == "padis") & (frame["problem"] == "ct20")]
    for metric in METRICS:
        means = of_row.groupby("image")[metric].mean()
        clusters = of_row.groupby("image")["cluster"].first()
        cell = shown[metric]["rows"]["padis"]["ct20"]
        if means.isna().any():  # scores of a body: this phantom has no Hounsfield units
            assert (cell["mean"], cell["value"], cell["rank"]) == ("-", None, "")
            continue
        assert cell["value"] == pytest.approx(means.mean())
        wide = half_width(means, clusters)
        assert cell["half"] == ("-" if np.isnan(wide) else leaderboard.text(metric, wide))
    assert shown["psnr"]["rows"]["padis"]["ct20"]["paper"] == "33.57"


def test_names_of_the_configuration_are_labels_on_the_page(finished):
    text = (finished / PAGE).read_text().split("<summary>Configuration")[0]
    shown = re.sub(r"<(script|style).*?</\1>", "", text, flags=re.S)
    cells = re.findall(r"<(?:td|th|option|h3|li|text)[^>]*>([^<]*)<", shown)
    config = resolve(yaml.safe_load((finished / "my.yaml").read_text()))
    kinds = ("datasets", "problems", "networks", "rows", "tables")
    names = {name for kind in kinds for name in config[kind]}
    assert "Table 1" in cells
    assert "CT" in cells  # the dataset of a network
    assert not names & set(cells)


def test_the_page_shows_the_data_of_the_run(finished):
    text = (finished / PAGE).read_text().split('<h2 id="data">')[1].split("<h2")[0]
    assert text.count("<img") == 3  # ct: train, validation and test; no table needs the faces
    for split in ("train", "validation", "test"):
        said = json.loads((finished / f"results/test/data/ct/{split}.json").read_text())
        for line in description.lines(f"CT, {split}", said):
            assert line in text


def test_a_run_that_means_nothing_names_no_winner(project):
    settings = shown.page(resolve(SETTINGS), ["table1"], SETTINGS).settings
    results = project / "results/test"
    files = [*results.glob("tables/*.json"), results / "tables/claims.csv"]
    job = Show(name="report", settings={**settings, "means_nothing": "it is a <test>"})
    report(job, results / "report/other.html", *files)
    text = (results / "report/other.html").read_text()
    assert "are meaningless: it is a &lt;test&gt;" in text
    for words in ("Highest mean", "reproduced", 'id="claims"', 'id="metrics"'):
        assert words not in text
        assert words in (project / PAGE).read_text()
    assert resolve({"preset": "smoke"})["means_nothing"]
    assert not resolve({"preset": "quick"})["means_nothing"]


def test_a_table_of_a_run_that_means_nothing_has_no_best(finished, tmp_path, monkeypatch):
    summarise = tables.summarise
    monkeypatch.setattr(tables, "summarise", lambda *given: summarise(*given).assign(psnr_rank="1"))
    job = shown.show(resolve(SETTINGS), "table", ["table1"], "table1")
    scores = read_all(
        finished / f"results/test/scores/ct20/{row}.csv" for row in (*ROWS, *CONTROLS)
    )
    for nothing in ("", "it is a test"):
        said = {**job.settings, "means_nothing": nothing}
        tables.numbers(said, "table1", scores, tmp_path)
        best = pd.read_csv(tmp_path / "table1.csv")["psnr_rank"].any()
        assert best == (not nothing)
        assert ("are meaningless: it is a test." in (tmp_path / "table1.md").read_text()) != best


def test_settings_that_are_copied_are_those_of_the_run():
    asked = {"preset": "small", "rows": {"padis": {"at": {"ct8": {"zeta": 1.5}}}}}
    config, rows, problems = resolve(asked), ["padis", "baseline", "pnp_red"], ["ct8", "deblurring"]
    text = to_copy(config, Layers(asked), rows, problems)
    assert "  # tuned/small.csv, 8 trials\n" in text
    assert "  baseline:" not in text  # has no parameters
    again = resolve({"preset": "small", **parse(text, "my.yaml")})
    for row, problem in product(rows, problems):
        assert params_of(config["rows"][row], problem) == params_of(again["rows"][row], problem)
    assert params_of(again["rows"]["padis"], "ct8")["zeta"] == 1.5


def test_text_is_escaped():
    words = cells.Table([("", "a"), ("b", "c")], [[[cells.cell("<b> & x | y"), cells.Cell(
        [("1.0", True), (" / 2", False)], 1)]]], "lr", notes=["why"])  # fmt: skip
    drawn = cells.html(words)
    assert '<th scope="col">b, c</th>' in drawn
    assert '<th scope="row">&lt;b&gt; &amp; x | y</th>' in drawn
    assert "<td><strong>1.0</strong> / 2 (1)</td>" in drawn
    figure = Figure()
    figure.subplots().set_title("<b>")
    drawn = html.svg(figure, 'a "label" <b>')
    assert 'aria-label="a &#34;label&#34; &lt;b&gt;"' in drawn
    assert drawn == html.svg(figure, 'a "label" <b>')
    assert drawn.strip().endswith("</svg>")


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_keep_their_pixels(channels):
    import base64
    from io import BytesIO

    from PIL import Image

    image = np.random.default_rng(0).random((channels, 5, 7))
    stored = Image.open(BytesIO(base64.b64decode(html.png_uri(image).split(",")[1])))
    found = np.asarray(stored).reshape(5, 7, channels).transpose(2, 0, 1) / 255
    assert np.abs(found - image).max() <= 0.5 / 255 + 1e-9


def test_a_template_needs_all_its_values():
    with pytest.raises(Exception, match="is undefined"):
        html.render("index.html.j2", name="x")


def test_rows_of_few_problems_are_known():
    asked = [("ct", "a"), ("mri", "a"), ("pet", "a"), ("ct", "b"), ("mri", "b"), ("ct", "c")]
    images = pd.DataFrame(asked, columns=["problem", "method"]).assign(status="failed")
    problems, rows = {p: p for p in ("ct", "mri", "pet")}, {row: row for row in "abcd"}
    assert leaderboard.few(leaderboard.Board(problems, rows, {}, images, {})) == ["c", "d"]


def test_rows_of_one_label_are_counted_apart():
    scores = pd.DataFrame(
        {"problem": problem, "method": row, "image": "a", "cluster": "a", "fold": 1, "psnr": psnr,
         "status": "ok"}
        for problem, best in (("ct", "padis"), ("mri", "padis_twice"))
        for row, psnr in (("padis", 30 + (best == "padis")), ("padis_twice", 30.5))
    )  # fmt: skip
    rows = {"padis": "PaDIS", "padis_twice": "PaDIS"}
    board = leaderboard.Board({"ct": "CT", "mri": "MRI"}, rows, {}, scores, {})
    assert leaderboard.first(board) == {"padis": 1, "padis_twice": 1}
