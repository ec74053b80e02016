"""Published numbers, summaries, tables, figures and files that are complete or absent."""

import io
import re

import numpy as np
import pandas as pd
import pytest

from workflow.config import shown
from workflow.config.resolve import resolve
from workflow.config.views import labels_of
from workflow.score import published
from workflow.score.scores import COLUMNS as SCORE_COLUMNS
from workflow.score.scores import read_all, read_scores
from workflow.score.summary import read_summary, summarise
from workflow.show import cells, tables
from workflow.show.reference import in_short
from workflow.show.tables import score_table
from workflow.store.provenance import COMPARED, conditions

PROBLEMS = {"ct20": "CT, 20 views", "deblurring": "Deblurring"}
ROWS = {"baseline": "Baseline", "ve_ddnm": "VE-DDNM", "padis": "PaDIS", "langevin": "Langevin"}
COLUMNS = (
    "problem,method,variant,seed,image,cluster,fold,psnr,ssim,ssim_gaussian,residual,denoiser_calls,"
    "jacobian_calls,forward_calls,adjoint_calls,seconds,peak_memory_mb,status,reason"
)
# Two images and two seeds of PaDIS; every job that did not run has one line without an image.
IMAGES = f"""{COLUMNS}
ct20,baseline,,0,a,1,1,20,0.50,.5,0,0,0,0,1,0.25,10,ok,
ct20,baseline,,0,b,1,1,22,0.70,.5,0,0,0,0,1,0.75,12,ok,
ct20,padis,,0,a,1,1,30,0.80,.5,0,1000,1000,1000,1000,7,200,ok,
ct20,padis,,0,b,1,1,35,0.90,.5,0,1000,1000,1000,1000,9,100,ok,
ct20,padis,,1,a,1,1,32,0.82,.5,0,1000,1000,1000,1000,7,100,ok,
ct20,padis,,1,b,1,1,35,0.90,.5,0,1000,1000,1000,1000,9,100,ok,
ct20,ve_ddnm,,0,a,1,1,25,0.95,.5,0,500,0,500,500,100.4,50,ok,
ct20,ve_ddnm,,0,b,1,1,27,0.97,.5,0,500,0,501,500,100.4,50,ok,
deblurring,baseline,,0,a,1,1,24,0.60,.5,0,0,0,0,0,0,10,ok,
deblurring,ve_ddnm,,0,,,,,,,,,,,,,,skipped,no pseudo-inverse
deblurring,padis,,0,,,,,,,,,,,,,,failed,"out of memory: 100% of <GPU>,
use a_smaller | batch & retry"
"""


@pytest.fixture
def images():
    return read_scores(io.StringIO(IMAGES))


@pytest.fixture
def table(images):
    return summarise(images, PROBLEMS, ROWS, published.load())


def line(table, problem, method, variant=""):
    keys = zip(table["problem"], table["method"], table["variant"], strict=True)
    (position,) = [i for i, key in enumerate(keys) if key == (problem, method, variant)]
    return table.iloc[position]


# ---- published --------------------------------------------------------------------------------


def test_published_cells_are_known_once():
    paper = published.load()
    assert not paper.duplicated(["problem", "method", "variant"]).any()
    assert paper["psnr"].dropna().between(20, 40).all()
    assert paper["ssim"].dropna().between(0.4, 0.95).all()
    missing = paper[paper["psnr"].isna() | paper["ssim"].isna()]
    assert missing["note"].all()
    assert paper["source"].str.startswith("Fessler talk").all()


@pytest.mark.parametrize("preset", ["smoke", "small", "quick", "standard", "paper"])
def test_presets_name_published_cells_that_exist(preset):
    paper = published.load()
    known = set(paper["problem"] + "/" + paper["method"] + "/" + paper["variant"])
    tables_ = resolve({"preset": preset})["tables"]
    named = {cell for table in tables_.values() for cell in table["published"].values()}
    assert named
    assert named <= known


@pytest.mark.parametrize(
    ("problem", "method", "variant", "psnr", "ssim"),
    [
        ("ct20", "padis", "", 33.57, 0.854),
        ("ct8", "predictor_corrector", "", 23.65, 0.546),
        ("deblurring", "pnp_red", "", 29.91, 0.867),
        ("superresolution", "patch_stitching", "", 27.50, 0.780),
        ("ct60", "whole_image_diffusion", "", 35.83, 0.894),
        ("ct_fan", "padis", "", 29.91, 0.932),
        ("heavy_deblurring", "baseline", "", 21.14, 0.569),
        ("ct20", "padis", "patch96", 33.36, 0.854),
        ("ct20", "padis", "position_none_baseline_start", 24.51, 0.518),
        ("ct20", "padis", "slices144", 32.28, 0.841),
        ("ct20", "whole_image_diffusion", "slices1152", 31.36, 0.834),
    ],
)
def test_published_values(problem, method, variant, psnr, ssim):
    cell = line(published.load(), problem, method, variant)
    assert (cell["psnr"], cell["ssim"]) == (psnr, ssim)


def test_published_notes_mark_the_anomalies():
    paper = published.load()
    slip = paper[paper["note"].str.contains("slip")]
    assert sorted(slip["variant"]) == ["", "slices576"]
    assert set(zip(slip["psnr"], slip["ssim"], strict=True)) == {(33.03, 0.846)}
    assert set(paper[paper["note"].str.contains("intensity scale")]["problem"]) == {"ct60"}
    assert (paper.loc[paper["problem"] == "ct60", "note"] != "").all()


def test_a_new_row_is_marked_by_itself():
    rows = {name: {"label": name} for name in ("padis", "mine", "padis_patch8")}
    table = {"published": {"padis_patch8": "ct20/padis/patch8"}}
    found = labels_of({"rows": rows, "tables": {"a": table, "b": {}}}, list(rows))
    assert list(found.values()) == ["padis", "mine †", "padis_patch8"]
    assert published.in_paper("langevin")
    assert not published.in_paper("padual")


# ---- summary ----------------------------------------------------------------------------------


def test_summary_keeps_order_and_columns(table):
    assert ",".join(table.columns) == (
        "problem,method,variant,images,clusters,status,reason,published_as,"
        "psnr,psnr_std,psnr_ci95,psnr_rank,psnr_rank_holm,psnr_published,"
        "ssim,ssim_std,ssim_ci95,ssim_rank,ssim_rank_holm,ssim_published,"
        "seeds,psnr_seeds_std,psnr_folds,"
        "denoiser_calls,jacobian_calls,operator_calls,seconds_per_image,peak_memory_mb,ran"
    )
    expected = [(problem, row) for row in ROWS for problem in PROBLEMS]
    assert list(zip(table["problem"], table["method"], strict=True)) == expected


def test_summary_averages_seeds_then_images(table):
    padis = line(table, "ct20", "padis")
    assert padis["images"] == 2
    assert padis["psnr"] == pytest.approx(33)  # of the images' 31 and 35
    assert padis["psnr_std"] == pytest.approx(8**0.5)
    assert padis["seeds"] == 2
    assert padis["psnr_seeds_std"] == pytest.approx(np.std([32.5, 33.5], ddof=1))
    assert padis["ssim"] == pytest.approx(0.855)
    assert padis["operator_calls"] == 2000
    assert padis["seconds_per_image"] == pytest.approx(8)
    assert padis["peak_memory_mb"] == 200
    assert (padis["psnr_published"], padis["ssim_published"]) == (33.57, 0.854)
    assert (padis["status"], padis["reason"]) == ("ok", "")
    assert line(table, "ct20", "ve_ddnm")["operator_calls"] == 1000.5


def test_summary_keeps_what_did_not_run(table):
    skipped, failed = line(table, "deblurring", "ve_ddnm"), line(table, "deblurring", "padis")
    assert (skipped["status"], skipped["reason"]) == ("skipped", "no pseudo-inverse")
    assert failed["status"] == "failed"
    assert failed["reason"] == "out of memory: 100% of <GPU>, use a_smaller | batch & retry"
    assert line(table, "ct20", "langevin")["status"] == "missing"
    for row in (skipped, failed, line(table, "ct20", "langevin")):
        assert row["images"] == 0
        assert np.isnan(row["psnr"])
        assert np.isnan(row["denoiser_calls"])


def test_summary_of_nothing_is_missing(images):
    table = summarise(images[:0], PROBLEMS, ROWS, published.load())
    assert set(table["status"]) == {"missing"}
    assert len(table) == 8


def test_folds_are_shown_one_by_one(images):
    images["fold"] = images["image"].map({"a": 1, "b": 2})
    pairs = [["padis", "baseline"]]
    table = summarise(images, PROBLEMS, ROWS, published.load(), differences=pairs)
    assert line(table, "ct20", "padis")["psnr_folds"] == "31.000 35.000"
    assert line(table, "ct20", "padis - baseline")["psnr_folds"] == "11.000 13.000"
    assert line(table, "ct20", "langevin")["psnr_folds"] == ""
    shown = tables.fold_table(
        table, {p: p for p in PROBLEMS}, ROWS | {"padis - baseline": "difference"}
    )
    text = cells.markdown(shown)
    assert markdown_cells(text)["PaDIS"][0].strip(" |") == "31.00, 35.00"
    assert markdown_cells(text)["difference"][0].strip(" |") == "11.00, 13.00"
    assert "in half of the cases with two folds and in a quarter with three" in text
    assert "hold" not in text  # agreement of two or three folds proves nothing


def test_a_score_that_is_not_a_number_is_not_averaged_away(images):
    images.loc[4, "psnr"] = np.nan  # one of two seeds of one of two images of PaDIS
    table = summarise(images, PROBLEMS, ROWS, published.load())
    assert np.isnan(line(table, "ct20", "padis")["psnr"])


def test_a_table_of_several_versions_says_so(images):
    images = images.assign(torch="2.10", precision="float32", numpy="")
    images.loc[images["method"] == "ve_ddnm", "torch"] = "2.9"
    images.loc[images["method"] == "baseline", "torch"] = ""  # a control
    (note,) = tables.mixed(images, ROWS)
    assert "torch: 2.9 (VE-DDNM); 2.10 (all others)." in note
    assert "float32" not in note
    assert tables.mixed(images.assign(torch="2.9"), ROWS) == []
    assert tables.mixed(images.drop(columns=["torch", "numpy", "precision"]), ROWS) == []


def test_scores_say_what_a_reconstruction_was_made_with():
    versions = dict.fromkeys(COMPARED, "1") | {"torch": "2.10", "odl": None}
    made = {"versions": versions, "machine": {"processor": "EPYC"}, "torch": {"gpu": "H200"}}
    record = {"made_with": made, "device": "cpu", "precision": "float32"}
    found = conditions(record)
    assert (found["torch"], found["odl"], found["processor"]) == ("2.10", "", "EPYC")
    assert conditions({**record, "device": "cuda"})["processor"] == "H200"
    assert set(conditions({"status": "ok"}).values()) == {""}
    assert set(found) <= set(SCORE_COLUMNS)


# ---- layout -----------------------------------------------------------------------------------


def of_patients(images):
    """The same, every image of another patient."""
    return images.assign(cluster=images["image"])


def markdown(*arguments):
    return cells.markdown(score_table(*arguments))


def markdown_cells(text):
    rows = [r.strip("| ").split(" | ") for r in text.splitlines() if r.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def test_markdown_shows_ours_beside_the_paper(table):
    text = markdown(table, PROBLEMS, ROWS, "Main table.")
    shown = markdown_cells(text)
    assert shown["Method"][:2] == ["CT, 20 views, ours", "CT, 20 views, paper"]
    wide = line(table, "ct20", "baseline")["psnr_ci95"]
    assert wide == pytest.approx(12.706, rel=1e-3)  # t quantile of one degree of freedom
    assert shown["Baseline"][:2] == [f"21.00 ± {wide:.2f} / .600", "24.93 / .595"]
    assert shown["Baseline"][2:] == ["24.00 / .600", "24.54 / .688"]  # nothing to compare with
    assert shown["PaDIS"][1] == "33.57 / .854"
    assert shown["VE-DDNM"][0].endswith(" / .960")  # the best of two images is not resolved
    assert shown["VE-DDNM"][3] == "-"
    assert "CT, 20 views: 2 slices of one patient" in text.splitlines()[0]
    assert "cluster-robust t interval (CR1)" in text.splitlines()[0]
    assert "\nSlices of one patient: CT, 20 views; Deblurring. Nothing is bold" in text


def test_bold_is_the_best_if_it_is_resolved_from_every_other_row(images):
    def shown(of_padis, several=True):
        changed = (of_patients(images) if several else images).astype({"psnr": float})
        changed = changed[changed["seed"] == 0]
        changed.loc[changed["method"] == "padis", "psnr"] = [*of_padis, np.nan]
        table = summarise(changed, {"ct20": "CT"}, ROWS, published.load())
        found = markdown_cells(markdown(table, {"ct20": "CT"}, ROWS, "x"))
        return {name: values[0].split(" ")[0] for name, values in found.items()}

    assert shown([30, 32.1])["PaDIS"] == "**31.05**"  # above by 5 and 5.1
    assert shown([30, 32.1], several=False)["PaDIS"] == "31.05"  # of one patient nothing is bold
    assert shown([27, 32])["PaDIS"] == "29.50"  # above by 2 and 5
    assert shown([27, 32])["VE-DDNM"] == "26.00"


def test_rows_that_are_not_resolved_from_the_best_are_tied(images):
    changed = of_patients(images).astype({"psnr": float})
    changed = changed[changed["seed"] == 0]
    changed.loc[changed["method"] == "padis", "psnr"] = [27, 32, np.nan]
    table = summarise(changed, {"ct20": "CT"}, ROWS, published.load())
    found = {row: line(table, "ct20", row)["psnr_rank"] for row in ROWS}
    assert found == {"baseline": "2-3", "ve_ddnm": "1-2", "padis": "1-3", "langevin": ""}
    shown = markdown_cells(markdown(table, {"ct20": "CT"}, ROWS, "x"))
    assert [name for name, values in shown.items() if " ≈ / " in values[0]] == ["VE-DDNM", "PaDIS"]
    assert r"\ensuremath{\approx} / " in cells.latex(score_table(table, {"ct20": "CT"}, ROWS, "x"))
    pairs = [("padis", "ve_ddnm")]
    compared = summarise(changed, {"ct20": "CT"}, ROWS, published.load(), None, pairs)
    scores = score_table(compared, {"ct20": "CT"}, ROWS, "x", None, pairs)
    assert re.fullmatch(r"ours \(resolves [\d.]+ / [\d.]+\)", scores.header[1][1])
    short = in_short(scores)
    assert re.fullmatch(r"ours \(resolves [\d.]+\)", short.header[1][1])
    assert [row[1].parts[-1][0].endswith(" ≈") for row in short.blocks[0]] == [
        False,
        True,
        True,
        False,
    ]


def test_markdown_footnotes_give_the_reason(table):
    text = markdown(table, PROBLEMS, ROWS, "Main table.")
    shown = markdown_cells(text)
    assert shown["VE-DDNM"][2] == "- (1)"
    assert shown["PaDIS"][2] == "- (2)"
    assert shown["Langevin"][0] == shown["Langevin"][2] == "- (3)"
    assert "\n(1) skipped: no pseudo-inverse\n" in text.replace("  \n", "\n")
    assert "(2) failed: out of memory: 100% of &lt;GPU>, use a\\_smaller \\| batch" in text
    assert len(re.findall(r"^\(\d\) ", text, re.MULTILINE)) == 3


def test_a_partly_failed_row_is_marked_and_never_best(images):
    broken = images[images["status"] == "failed"].assign(problem="ct20", seed=2, reason="killed")
    images.loc[images["method"] == "ve_ddnm", "psnr"] = 31  # a tie
    images = pd.concat([images, broken])
    images = images[~((images["method"] == "padis") & (images["image"] == "b"))]
    table = summarise(images, PROBLEMS, ROWS, published.load())
    text = markdown(table, PROBLEMS, ROWS, "Main table.")
    assert line(table, "ct20", "padis")["status"] == "failed"
    shown = markdown_cells(text)
    assert re.fullmatch(r"31\.00 / \.810 \(\d\)", shown["PaDIS"][0])
    assert shown["VE-DDNM"][0].startswith("31.00 ± 0.00 / ")
    assert line(table, "ct20", "padis")["psnr_rank"] == ""
    assert "mean over 1 of 2 images; failed: killed" in text


def test_a_problem_without_published_values_has_no_paper_column(images):
    images = images.replace({"problem": {"ct20": "inpainting"}})
    table = summarise(images, {"inpainting": "In_paint"}, ROWS, published.load())
    header = markdown_cells(markdown(table, {"inpainting": "In_paint"}, ROWS, "x"))["Method"]
    assert header == ["In\\_paint, ours"]


def test_controls_stand_below_and_are_not_ranked(images):
    rows, controls = {k: ROWS[k] for k in ("baseline", "ve_ddnm")}, {"padis": "A control"}
    table = summarise(of_patients(images), PROBLEMS, rows, published.load(), controls=controls)
    text = markdown(table, PROBLEMS, rows, "x", controls)
    shown = markdown_cells(text)
    assert list(shown)[-2:] == ["VE-DDNM", "A control"]
    assert shown["A control"][0].startswith("33.00 ± ")
    assert shown["VE-DDNM"][0].startswith("**26.00** ± ")  # above the baseline by 5 and 5
    assert line(table, "ct20", "padis")["psnr_rank"] == ""
    latex = cells.latex(score_table(table, PROBLEMS, rows, "x", controls))
    assert latex.count(r"\midrule") == 2
    assert r"\textbf{26.00} ± " in latex
    assert latex.index("A control") > latex.rindex(r"\midrule") > latex.index("VE-DDNM")


def test_differences_are_of_the_same_images(images):
    pairs = [("padis", "ve_ddnm"), ("padis", "langevin")]
    images.loc[images["method"] == "ve_ddnm", "ssim"] -= 0.5
    table = summarise(of_patients(images), PROBLEMS, ROWS, published.load(), None, pairs)
    difference = line(table, "ct20", "padis - ve_ddnm")
    assert difference["psnr"] == pytest.approx((31 - 25 + 35 - 27) / 2)
    assert difference["psnr_std"] == pytest.approx(np.std([6, 8], ddof=1))
    assert line(table, "ct20", "padis - langevin")["status"] == "missing"
    text = markdown(table, PROBLEMS, ROWS, "x", None, pairs)
    shown = markdown_cells(text)
    wide, close = difference["psnr_ci95"], difference["ssim_ci95"]
    assert wide == pytest.approx(12.706, rel=1e-3)
    assert close == pytest.approx(12.706 * 0.035, rel=1e-3)
    assert shown["PaDIS minus VE-DDNM"][0] == f"+7.00 ± {wide:.2f} / +.395 ± .{1000 * close:.0f}"
    assert shown["PaDIS minus Langevin"][0] == "-"
    resolves = f"{wide:.2f} / .{1000 * close:.0f}"
    assert shown["Method"][0] == f"CT, 20 views, ours (resolves {resolves})"
    assert shown["PaDIS"] == markdown_cells(markdown(table, PROBLEMS, ROWS, "x"))["PaDIS"]
    latex = cells.latex(score_table(table, PROBLEMS, ROWS, "x", None, pairs))
    assert latex.index("PaDIS minus VE-DDNM") > latex.rindex(r"\midrule")


def test_a_row_may_stand_beside_another_published_number(images):
    named = {"padis": "ct20/padis/patch8"}
    table = summarise(images, {"ct20": "CT"}, ROWS, published.load(), named)
    assert line(table, "ct20", "padis")["psnr_published"] == 32.57
    assert line(table, "ct20", "baseline")["psnr_published"] == 24.93


def test_cost_markdown(table):
    text = cells.grid(tables.cost_table(table, PROBLEMS, ROWS))
    rows = [r.strip("| ").split(" | ") for r in text.splitlines()[2:]]
    assert len(rows) == 8
    assert rows[0] == ["CT, 20 views", "Baseline", "0", "0", "1", "0.50", "12"]
    assert rows[1][-6:] == ["VE-DDNM", "500", "0", "1000", "100", "50"]
    assert rows[2][-6:] == ["PaDIS", "1000", "1000", "2000", "8", "200"]
    assert rows[3][-5:] == ["-"] * 5


def test_the_spread_between_seeds_stands_apart(table):
    shown = markdown_cells(cells.grid(tables.seed_table(table, PROBLEMS, ROWS)))
    assert shown["Method"] == ["CT, 20 views"]  # no method has seeds on the other problem
    assert shown["PaDIS"] == ["0.707 (2)"]
    assert shown["Baseline"] == shown["Langevin"] == ["-"]
    assert tables.seed_table(table.assign(seeds=1), PROBLEMS, ROWS) is None


def test_latex_escapes_and_lays_out(table):
    rows = ROWS | {"padis": r"100% of PaDIS_1 & ${x}^2~#\y"}
    text = cells.latex(score_table(table, PROBLEMS, rows, "Main_table: 5 % & more."))
    escaped = r"100\% of PaDIS\_1 \& \$\{x\}\textasciicircum{}2\textasciitilde{}\#"
    assert escaped + r"\textbackslash{}y & 33.00 ± " in text
    assert r" / .855 & 33.57 / .854 & " in text
    assert r" / .960 & 31.98 / .861" in text
    assert r"\caption{Main\_table: 5 \% \& more. " in text
    assert re.search(r"\\label\{tab:[a-z0-9-]+\}", text)
    assert r"--\textsuperscript{1}" in text
    assert r"\textsuperscript{1} skipped: no pseudo" in text
    body = text[text.index(r"\begin{tabular}") : text.index(r"\end{tabular}")]
    lines = [r for r in body.splitlines() if r.endswith(r"\\")]
    assert r"\begin{tabular}{lrrrr}" in body
    assert len(lines) == 2 + len(rows)
    assert {len(re.findall(r"(?<!\\)&", r)) for r in lines[1:]} == {4}
    assert lines[0].count(r"\multicolumn{2}{c}") == 2
    assert r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}" in body
    braces = re.sub(r"\\[{}]", "", text)
    assert braces.count("{") == braces.count("}")
    assert not re.search(r"(?<!\\)[%_#$]", text)


def test_files_of_a_table_agree(table, tmp_path):
    config = resolve({"preset": "smoke", "tables": {"main": {
        "problems": ["ct20"], "caption": "Main table", "rows": ["baseline", "padis", "admm_tv"],
    }}})  # fmt: skip
    folder = tmp_path / "new" / "tables"
    settings = shown.show(config, "table", ["main"], "main").settings
    (tmp_path / "ct20.csv").write_text(IMAGES)
    images = read_all([tmp_path / "ct20.csv"])
    tables.numbers(settings, "main", images, folder)
    names = ["main.csv", "main.json", "main.md", "main.tex", "main_cost.csv", "main_cost.md"]
    assert sorted(p.name for p in folder.iterdir()) == names
    read = read_summary(folder / "main.csv")
    assert line(read, "ct20", "padis")["psnr"] == pytest.approx(33)
    assert line(read, "ct20", "admm_tv")["status"] == "missing"
    text = (folder / "main.md").read_text()
    assert text.startswith("Main table. PSNR")
    assert "33.57 / .854" in text
    assert "Denoiser calls" not in text
    assert "seconds_per_image" not in read
    cost = pd.read_csv(folder / "main_cost.csv").set_index("method")
    assert cost.loc["padis", "seconds_per_image"] == pytest.approx(8)
    assert "| PaDIS | 1000 | 1000 | 2000 | 8 |" in (folder / "main_cost.md").read_text()
    assert cells.document(cells.load(folder / "main.json")) == text
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    tables.numbers(settings, "main", images, folder)
    assert before == {p.name: p.read_bytes() for p in folder.iterdir()}
