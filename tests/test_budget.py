"""Sweeps and the figure of quality against cost."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from workflow.config.resolve import resolve
from workflow.config.shown import part
from workflow.config.views import label_of, labels_of, params_of, trials_of
from workflow.show import budget, tables
from workflow.show.contents import problem_labels
from workflow.show.plots import Look, look, looks_of


def images():
    lines = []
    for row, calls, seconds, psnr in (
        ("tv_x5", 0, 0.1, 20.0),
        ("a_x1", 5, 1.0, 25.0),
        ("a_x2", 10, 2.0, 24.0),
        ("b_x1", 10, 0.5, 26.0),
        ("b_x2", 20, 0.2, 27.0),
    ):
        for k in range(2):
            line = {"problem": "ct", "method": row, "image": f"i{k}", "psnr": psnr + k - 0.5}
            lines.append({**line, "denoiser_calls": calls, "seconds": seconds, "status": "ok"})
    lines.append({"problem": "ct", "method": "b_x3", "status": "failed", "image": ""})
    return pd.DataFrame(lines).assign(cluster="a", fold=1)


LABELS = {"tv": "TV", "a": "PaDIS", "b": "PaDIS"}  # a line keeps its place beside another one
ROWS = {"tv": ["tv_x5"], "a": ["a_x1", "a_x2"], "b": ["b_x1", "b_x2", "b_x3"]}


def drawn(problems=("ct",)):
    sweep = {"tv": {"x": [5]}, "a": {"x": [1, 2]}, "b": {"x": [1, 2, 3]}}
    rows = {row: {"label": label, "place": n} for n, (row, label) in enumerate(LABELS.items())}
    labels = {problem: {"label": problem.upper()} for problem in problems}
    tables = {"t": {"problems": list(problems), "sweep": sweep}}
    config = {"tables": tables, "problems": labels, "rows": rows}
    return budget.budget_figure(config, "t", images())


def test_front_is_what_nothing_cheaper_reaches():
    points = budget.costs(images(), ROWS)
    assert sorted(points["row"]) == [
        "a_x1",
        "a_x2",
        "b_x1",
        "b_x2",
        "tv_x5",
    ]  # what failed is no point
    assert list(budget.front(points, "seconds")["row"]) == ["tv_x5", "b_x2"]
    counted = points[points["denoiser_calls"] > 0]
    assert list(budget.front(counted, "denoiser_calls")["row"]) == ["a_x1", "b_x1", "b_x2"]


def test_figure_has_a_colour_per_method_in_every_panel():
    figure = drawn()
    calls, seconds = figure.axes
    assert (calls.get_xscale(), seconds.get_xlabel()) == ("log", "Seconds per image")
    colours = [
        {to_rgba(line.get_color()) for line in axes.lines if line.get_linewidth() < 2}
        for axes in (calls, seconds)
    ]
    assert colours[0] == colours[1] == {to_rgba(look(n).color) for n in range(len(LABELS))}
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(shown) == sorted(f"{label} †" for label in LABELS.values())


@pytest.mark.parametrize("seed", range(5))
def test_names_of_the_front_cover_neither_marks_nor_each_other(seed):
    random = np.random.default_rng(seed)
    rows = [f"row{k}" for k in range(26)]
    points = pd.DataFrame(
        {"seconds": 10 ** random.uniform(-2, 1, 26), "psnr": 30 + random.uniform(-1, 1, 26)}, rows
    )
    # Many on the front, with hardly a difference between them.
    points.loc["row0":"row3", "psnr"] = 31 + np.arange(4) * 0.001
    points.loc["row0":"row3", "seconds"] = [0.02, 0.021, 0.022, 4.0]
    labels = {row: f"A rather long name of a method, {row} †" for row in rows}
    looks = dict.fromkeys(rows, Look("red", "o"))
    figure = budget.cost_figure(points, labels, looks)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    names = [text.get_window_extent() for text in axes.texts]
    assert len(names) == len(budget.front(points, "seconds").tail(budget.LABELLED))
    area = axes.get_window_extent()
    for k, box in enumerate(names):
        assert area.x0 <= box.x0 < box.x1 <= area.x1
        assert area.y0 <= box.y0 < box.y1 <= area.y1
        assert not any(box.overlaps(other) for other in names[:k])
        assert not any(box.contains(*place) for place in axes.transData.transform(points))
    said = {line.get_gid() for line in axes.lines} - {None}
    assert {text.split("|")[0] for text in said} == set(rows)


@pytest.mark.parametrize("seconds", [[0.0001, 1.0, 3.0], [0.0001, 0.0002, 0.0003]])
def test_a_row_of_no_time_is_a_line_unless_all_are(seconds):
    rows = ["baseline", "a", "b"]
    points = pd.DataFrame({"seconds": seconds, "psnr": [20.0, 30.0, 31.0]}, rows)
    names = {row: row.title() for row in rows}
    (axes,) = budget.cost_figure(points, names, dict.fromkeys(rows, Look("red", "o"))).axes
    said = {line.get_gid(): line.get_linestyle() for line in axes.lines if line.get_gid()}
    fast = seconds[1] > budget.FAST
    assert said["baseline|Baseline: 20.00 dB in 0.0001 s"] == (":" if fast else "None")
    assert ("Baseline" in [text.get_text() for text in axes.texts]) == (not fast)
    assert (axes.get_xlim()[0] > 0.01) == fast


def test_every_method_has_a_look_of_its_own_in_all_tables():
    config = resolve({"preset": "small", "rows": {"mine": {"method": "padis", "label": "Mine"}}})
    whole = part(config, list(config["tables"]))
    main = config["tables"]["samplers"]["rows"]
    looks = looks_of(whole, [*dict.fromkeys([*config["tables"]["table1"]["rows"], *main])])
    assert len(set(looks.values())) == len(looks) > 20
    assert "mine" in looks
    budgets = part(config, ["budget"])
    assert looks_of(budgets, ["padis"])["padis"] == looks["padis"]
    sizes = looks_of(part(config, ["training_size"]), ["padis_images10"], "kin")
    assert sizes["padis_images10"] == looks["padis"]


def test_a_problem_without_results_is_an_empty_panel():
    assert len(drawn(("ct", "none")).axes) == 4


def test_a_swept_parameter_is_not_searched_and_own_parameters_stay():
    grid = [{"row": ["padis"], "epsilon": ["own", 0.1]}, {"row": ["padis"], "updates": [4]}]
    table = {"problems": ["ct20"], "caption": "x", "grid": grid, "plot": {"x": "cost"}}
    rows = {"padis_updates4": {"params": {"zeta": 1.0}}}
    config = resolve({"preset": "smoke", "tables": {"mine": table}, "rows": rows})
    assert "epsilon" not in config["rows"]["padis_epsilon0p1"]["search"]
    assert params_of(config["rows"]["padis_updates4"], "ct20")["updates"] == 4
    assert params_of(config["rows"]["padis_updates4"], "ct20")["zeta"] == 1.0


def test_a_sweep_makes_rows_that_are_tuned_alike():
    grid = [
        {"row": ["padis"], "updates": ["own", 1, 4]},
        {"row": ["admm_tv"], "iterations": ["own", 5]},
    ]
    table = {"problems": ["ct20"], "caption": "x", "grid": grid, "trials": 4}
    config = resolve({"preset": "smoke", "tables": {"mine": table}})
    rows = config["tables"]["mine"]["rows"]
    assert rows == [
        *("padis", "padis_updates1", "padis_updates4"),
        *("admm_tv", "admm_tv_iterations5"),
    ]
    row = config["rows"]["padis_updates4"]
    assert params_of(row, "ct20")["updates"] == 4
    assert row["search"] == config["rows"]["padis"]["search"]
    assert trials_of(config, "padis_updates4") == 4
    assert label_of("padis_updates4", row) == "PaDIS, updates = 4 †"
    assert "padis_updates4" not in config["tables"]["table1"]["rows"]


def test_what_a_row_did_is_said_from_its_record():
    config = resolve({"preset": "smoke"})
    summary = pd.DataFrame(
        [
            {"problem": "ct20", "method": row, "variant": "", "ran": ran, "denoiser_calls": calls,
             "jacobian_calls": jacobian, "psnr": 20.0}
            for row, ran, calls, jacobian in (
                ("padis", "from noise, 0.5 to 0.02", 40.0, 40.0),
                ("padual", "from baseline, 0.3 to 0.01", 20.0, 0.0),
                ("admm_tv", "from baseline", 0.0, 0.0),
                ("baseline", "", 0.0, 0.0),  # its error is 0.1
                ("langevin", "from baseline, 0.04 to 0.004", 40.0, 0.0),
            )
        ]
    )  # fmt: skip
    chosen = config["tables"]["table1"]
    problems = problem_labels(config, chosen["problems"])
    said = tables.settings_table(summary, problems, labels_of(config, chosen["rows"]))
    assert said.headings[:2] == ["Method", "CT, 20 views"]
    (rows,) = said.blocks
    assert [[cell.parts[0][0] for cell in row[:2]] for row in rows] == [
        ["ADMM-TV", "from baseline"],
        ["Langevin dynamics", "from baseline, 0.04 to 0.004 (n), 40 evaluations"],
        ["PaDIS", "from noise, 0.5 to 0.02, 40 evaluations with Jacobian"],
        ["PaDual †", "from baseline, 0.3 to 0.01, 20 evaluations"],
    ]


def test_marks_and_open_searches_are_explained_below_the_table():
    config = resolve({"preset": "smoke"})
    config["rows"]["padis"]["at_edge"] = {"ct20": ["sigma_max"], "ct8": ["epsilon"]}
    _, marks, edges = tables.remarks(config, "table1")
    assert marks.startswith("†")
    assert edges.endswith("PaDIS on CT, 20 views (sigma_max).")
