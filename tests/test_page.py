"""The page and the card of a method in a browser."""

import json
import re
import shutil
import tempfile

import pytest
from conftest import ROOT
from running import ROWS, workflow
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from workflow.score.claims import VERDICTS

PAGE = "results/test/report/index.html"
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


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


def test_verdicts_are_seen_on_a_telephone(browser, finished):
    opened(browser, finished / PAGE, 390)
    for cell in browser.find_elements(By.CSS_SELECTOR, "#ledger td:nth-child(2)"):
        assert cell.text in VERDICTS
        assert cell.rect["x"] + cell.rect["width"] <= 390


def test_a_mark_says_what_it_is_and_its_method_is_lit_everywhere(browser, finished):
    opened(browser, finished / PAGE)
    marks = browser.find_elements(By.CSS_SELECTOR, ".plots .mark[data-row=admm_tv]")
    colours = {
        mark.find_element(By.TAG_NAME, "use").value_of_css_property("fill") for mark in marks
    }
    glyph = browser.find_element(By.CSS_SELECTOR, "#leaderboard [data-row=admm_tv] .look")
    shown = re.findall(r"\d+", glyph.value_of_css_property("color"))[:3]
    drawn = {tuple(re.findall(r"\d+", c)[:3]) for c in colours} - {("255", "255", "255")}
    assert drawn == {tuple(shown)}
    webdriver.ActionChains(browser).move_to_element(marks[-1]).perform()
    tip = browser.find_element(By.ID, "tip")
    assert re.fullmatch(r"ADMM-TV: [\d.]+ dB in [\d.e-]+ s", tip.text)
    lit = browser.find_elements(By.CSS_SELECTOR, ".lit")
    assert {e.get_attribute("data-row") for e in lit} == {"admm_tv"}
    assert len(lit) == len(marks) + 2  # the rows of the leaderboard and of the key


@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_fits_the_screen(browser, finished, width):
    opened(browser, finished / PAGE, width)
    wide = browser.execute_script("return document.scrollingElement.scrollWidth")
    assert wide <= width
    assert browser.find_element(By.TAG_NAME, "nav").size["width"] > 0.9 * width


def test_the_slider_moves_the_border_by_keyboard(browser, finished):
    opened(browser, finished / PAGE)
    before = part(browser, "right-canvas").get_attribute("style")
    part(browser, "slider").send_keys(Keys.ARROW_RIGHT * 10)
    after = part(browser, "right-canvas").get_attribute("style")
    assert "50%" in before
    assert "60%" in after
    assert "left: 60%" in part(browser, "bar").get_attribute("style")


def test_the_border_follows_the_pointer_over_the_picture(browser, finished):
    opened(browser, finished / PAGE)
    stack = browser.find_element(By.CSS_SELECTOR, ".gallery .stack")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", stack)
    quarter = round(stack.size["width"] / 4)
    chain = webdriver.ActionChains(browser).move_to_element(stack)
    chain.move_by_offset(quarter, 0).perform()
    assert "left: 50%" in part(browser, "bar").get_attribute("style")  # not pressed
    chain.move_to_element(stack).click_and_hold().move_by_offset(quarter, 0).release().perform()
    assert "left: 75%" in part(browser, "bar").get_attribute("style")
    assert part(browser, "slider").get_attribute("value") == "75"


def test_rows_are_searched_and_the_page_is_dark_at_night(browser, finished):
    opened(browser, finished / PAGE)
    browser.find_element(By.ID, "search").send_keys("padi")
    rows = browser.find_elements(By.CSS_SELECTOR, "#leaderboard tbody tr")
    assert [row.get_attribute("data-row") for row in rows if row.is_displayed()] == ["padis"]
    browser.find_element(By.ID, "search").clear()
    night = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", night)
    paper, ink = (
        sum(map(int, re.findall(r"\d+", browser.find_element(By.TAG_NAME, "body")
        .value_of_css_property(name))[:3])) for name in ("background-color", "color")
    )  # fmt: skip
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert paper < 150 < 500 < ink


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
    opened(browser, project / "results/test/cards/mine.html", 360)
    text = browser.find_element(By.TAG_NAME, "main").text
    for words in ("levels = 3", "of 5", "PaDIS", "minus", "Worst cases"):
        assert words in text, words
    marks = browser.find_elements(By.CSS_SELECTOR, ".plots .mark")
    assert {mark.get_attribute("data-row") for mark in marks} == set(ROWS)
    assert browser.execute_script("return document.scrollingElement.scrollWidth") <= 360
    assert part(browser, "right-label").text.startswith("Mine †: ")
    assert browser.get_log("browser") == []
    after = {p: p.read_bytes() for p in before}
    assert after == before  # the run is as it was
    _, output = workflow(project, *arguments)
    assert "Nothing to be done" in output
    code, output = workflow(project, "card", "my.yaml", "--run", "results/test")
    assert code == 1
    assert output.count("\n") == 1
    assert output.startswith("error: ")
