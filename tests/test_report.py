"""The report and the card: pages that work from a file, in a browser and without one."""

import json
import re
import shutil
import tempfile
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from matplotlib.figure import Figure
from running import spec_of, workflow
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from workflow.score.intervals import half_width
from workflow.score.scores import METRICS
from workflow.show import cells, html, leaderboard

PAGE = "results/test/report/index.html"
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


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


# ---- without a browser --------------------------------------------------------------------------


def test_the_page_loads_nothing(finished):
    text = (finished / PAGE).read_text()
    links = Links()
    links.feed(text)
    assert all(uri.startswith("data:") for uri in links.loaded)
    assert len(links.ids) == len(set(links.ids))
    assert "@import" not in text
    for name in ("leaderboard", "differences", "cost", "gallery", "claims", "provenance"):
        assert name in links.ids
    assert "ablations" not in links.ids  # this run has none


def test_the_page_is_the_same_every_time(finished, tmp_path):
    spec = spec_of(finished, "Show", name="report")
    results = finished / "results/test"
    patterns = ("tables/*.json", "tables/claims.csv", "figures/*.png")
    shown = [str(p.relative_to(finished)) for pattern in patterns for p in results.glob(pattern)]
    arguments = [spec, str(tmp_path / "again.html"), "results/test/run.json", *shown]
    code, output = workflow(finished, "report", *arguments)
    assert code == 0, output
    assert (tmp_path / "again.html").read_bytes() == (finished / PAGE).read_bytes()


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
        assert cell["value"] == pytest.approx(means.mean())
        wide = half_width(means, clusters)
        assert cell["half"] == ("-" if np.isnan(wide) else leaderboard.text(metric, wide))
    assert shown["psnr"]["rows"]["padis"]["ct20"]["paper"] == "33.57"


def test_text_is_escaped():
    table = cells.Table([("", "a"), ("b", "c")], [[[cells.cell("<b> & x | y"), cells.Cell(
        [("1.0", True), (" / 2", False)], 1)]]], "lr", notes=["why"])  # fmt: skip
    drawn = cells.html(table)
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


# ---- in a browser -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (program and driver):
        pytest.skip("needs Chromium and ChromeDriver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    folder = tempfile.mkdtemp()
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        found = webdriver.Chrome(options=options, service=Service(driver))
    except WebDriverException as error:
        pytest.skip(f"Chromium does not start here: {error.msg}")
    yield found
    found.quit()
    shutil.rmtree(folder, ignore_errors=True)


def resize(browser, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def opened(browser, path, width=1280):
    resize(browser, width)
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(f"file://{path}")
    drawn(browser)


def drawn(browser):
    """What the gallery shows, once it is painted."""
    for _ in range(100):
        state = browser.execute_script("return document.querySelector('.gallery').dataset.drawn")
        wanted = browser.execute_script(
            "const p = (n) => document.querySelector(`.gallery [data-part=${n}]`);"
            "return ['problem', 'image', 'left', 'right', 'low', 'high'].map((n) => p(n).value)"
            ".concat(p('error').checked).join('|')"
        )
        if state == wanted:
            return state
        browser.execute_async_script("setTimeout(arguments[0], 50)")
    raise AssertionError(f"the gallery shows {state}, not {wanted}")


def part(browser, name):
    return browser.find_element(By.CSS_SELECTOR, f".gallery [data-part={name}]")


def pixels(browser, name):
    return browser.execute_script("return arguments[0].toDataURL()", part(browser, name))


def test_nothing_leaves_the_page_and_nothing_fails(browser, finished):
    opened(browser, finished / PAGE)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    asked = [s["request"]["url"] for s in sent if s["documentURL"].startswith("file://")]
    assert asked
    assert all(url.startswith(("file://", "data:")) for url in asked)
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_fits_the_screen(browser, finished, width):
    opened(browser, finished / PAGE, width)
    wide = browser.execute_script("return document.scrollingElement.scrollWidth")
    assert wide <= width


def test_the_slider_moves_the_border_by_keyboard(browser, finished):
    opened(browser, finished / PAGE)
    before = part(browser, "right-canvas").get_attribute("style")
    part(browser, "slider").send_keys(Keys.ARROW_RIGHT * 10)
    after = part(browser, "right-canvas").get_attribute("style")
    assert "50%" in before
    assert "60%" in after
    assert "left: 60%" in part(browser, "bar").get_attribute("style")


def test_the_gallery_shows_what_is_chosen(browser, finished):
    opened(browser, finished / PAGE)
    assert part(browser, "left-label").text.startswith("Baseline: ")
    first = pixels(browser, "right-canvas")
    Select(part(browser, "right")).select_by_visible_text("Truth")
    drawn(browser)
    truth = pixels(browser, "right-canvas")
    assert truth != first
    assert part(browser, "right-label").text == "Truth"
    part(browser, "high").send_keys(Keys.ARROW_LEFT * 5)
    drawn(browser)
    assert pixels(browser, "right-canvas") != truth  # another window
    left = pixels(browser, "left-canvas")
    part(browser, "error").click()
    drawn(browser)
    assert pixels(browser, "left-canvas") != left
    image = Select(part(browser, "image"))
    Select(part(browser, "image")).select_by_index(len(image.options) - 1)
    assert len(image.options) == 1 or drawn(browser)
    assert browser.get_log("browser") == []


def test_the_table_sorts_and_changes_its_metric(browser, finished):
    opened(browser, finished / PAGE)

    def column():
        cells = browser.find_elements(By.CSS_SELECTOR, "#leaderboard tbody td:nth-child(2)")
        return [float(cell.get_attribute("data-value")) for cell in cells]

    header = browser.find_elements(By.CSS_SELECTOR, "#leaderboard th[scope=col]")[1]
    header.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    psnr = column()
    assert psnr == sorted(psnr, reverse=True)
    assert header.get_attribute("aria-sort") == "descending"
    header.find_element(By.TAG_NAME, "button").click()
    assert column() == sorted(psnr)
    assert header.get_attribute("aria-sort") == "ascending"
    Select(browser.find_element(By.ID, "metric")).select_by_value("gmsd")
    assert column() == sorted(column())
    assert column() != sorted(psnr)
    assert "33.57" not in browser.find_element(By.ID, "leaderboard").text
    Select(browser.find_element(By.ID, "metric")).select_by_value("psnr")
    browser.find_element(By.ID, "paper").click()
    assert "33.57" in browser.find_element(By.ID, "leaderboard").text
    ledger = Select(browser.find_element(By.CSS_SELECTOR, "select[data-filter=ledger]"))
    rows = browser.find_elements(By.CSS_SELECTOR, "#ledger tbody tr")
    ledger.select_by_index(1)
    chosen = ledger.first_selected_option.text
    seen = [row for row in rows if row.is_displayed()]
    assert seen
    assert all(row.get_attribute("data-is") == chosen for row in seen)
    assert browser.find_element(By.ID, "ledger-count").text == f"{len(seen)} shown"


# ---- the card of a method -----------------------------------------------------------------------


def test_a_card_compares_a_method_from_anywhere(browser, project, tmp_path):
    code, output = workflow(tmp_path, "new", "method", "mine", root=ROOT)
    assert code == 0, output
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    arguments = ["card", str(tmp_path / "mine.py"), "--run", "results/test"]
    arguments += ["--params", "{levels: 3}"]
    code, output = workflow(project, *arguments)
    assert code == 0, output
    assert "mine on ct20: 6/6 images" in output  # two sampling seeds in this run
    opened(browser, project / "results/test/cards/mine.html", 360)
    text = browser.find_element(By.TAG_NAME, "main").text
    for words in ("levels = 3", "of 5", "PaDIS", "minus", "Worst cases"):
        assert words in text, words
    assert browser.execute_script("return document.scrollingElement.scrollWidth") <= 360
    assert part(browser, "right-label").text.startswith("Mine: ")
    assert browser.get_log("browser") == []
    after = {p: p.read_bytes() for p in before}
    assert after == before  # the run is as it was
    _, output = workflow(project, *arguments)
    assert "images [" not in output  # nothing is reconstructed twice
    code, output = workflow(project, "card", "my.yaml", "--run", "results/test")
    assert code == 1
    assert output.count("\n") == 1
    assert output.startswith("error: ")
