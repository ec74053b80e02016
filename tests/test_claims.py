"""Verdicts on what the paper claims."""

import pandas as pd
import pytest

from workflow.score import claims, published
from workflow.score.summary import summarise
from workflow.show.claims import write

ROWS = {"baseline": "Baseline", "admm_tv": "ADMM-TV", "langevin": "Langevin", "padis": "PaDIS"}
PSNR = {  # of three images; published at 20 views: 24.93, 26.82, 33.03, 33.57
    "baseline": [24.0, 24.1, 24.2],
    "admm_tv": [34.0, 34.1, 34.3],
    "langevin": [32.0, 34.0, 33.0],
    "padis": [33.1, 33.0, 33.2],
}


@pytest.fixture
def tables():
    costs = ("denoiser_calls", "jacobian_calls", "forward_calls", "adjoint_calls", "seconds")
    lines = [
        {
            **{
                "problem": "ct20",
                "method": row,
                "variant": "",
                "image": str(i),
                "cluster": "p",
                "fold": 1,
            },
            **{"psnr": psnr, "ssim": psnr / 40, "status": "ok", "reason": "", "seed": 0},
            **dict.fromkeys((*costs, "peak_memory_mb"), 0),
        }
        for row, values in PSNR.items()
        for i, psnr in enumerate(values)
    ]
    pairs = [(row, "padis") for row in ROWS if row != "padis"]
    problems = {"ct20": "CT", "ct8": "CT, 8"}
    table = summarise(pd.DataFrame(lines), problems, ROWS, published.load(), None, pairs)
    reverse = summarise(
        pd.DataFrame(lines), problems, ROWS, published.load(), None, [p[::-1] for p in pairs]
    )
    return {"first": table, "second": reverse}


def test_orders_get_the_verdict_of_their_interval(tables):
    found = claims.orders(tables)
    assert len(found) == 2 * 3 * 2
    assert set(found["table"]) == {"first"}
    ct20 = found[(found["problem"] == "ct20") & (found["score"] == "psnr")].set_index("row")
    verdicts = {"baseline": "reproduced", "admm_tv": "not reproduced", "langevin": "unresolved"}
    assert ct20["verdict"].to_dict() == verdicts
    assert ct20.loc["baseline", "published"] == pytest.approx(24.93 - 33.57)
    assert set(found[found["problem"] == "ct8"]["verdict"]) == {"not run"}


def test_an_interval_can_leave_the_sign_open_and_exclude_the_published_size(tables):
    table = tables["first"]
    pair = (table["method"] == "langevin - padis") & (table["problem"] == "ct20")
    table.loc[pair, ["psnr", "psnr_ci95"]] = [0.1, 0.3]  # published: 33.03 - 33.57
    found = claims.orders({"first": table})
    ct20 = found[(found["problem"] == "ct20") & (found["score"] == "psnr")].set_index("row")
    assert ct20.loc["langevin", "verdict"] == "size excluded"


def test_numbers_are_comparable_only_under_the_same_protocol(tables):
    found = claims.numbers({"first": tables["first"]}, "")
    psnr = found[(found["problem"] == "ct20") & (found["score"] == "psnr")].set_index("row")
    assert psnr.loc["langevin", "verdict"] == "reproduced"
    assert psnr.loc["admm_tv", "verdict"] == "not reproduced"
    assert set(found[found["problem"] == "ct8"]["verdict"]) == {"not run"}
    differs = claims.numbers(tables, "smaller images")
    assert set(differs["verdict"]) == {"not comparable", "not run"}


def test_ranks_are_correlated_where_there_are_enough(tables):
    lines = claims.agreement(claims.numbers(tables, "")).to_dict("records")
    assert [(line["table"], line["problem"], line["rows"]) for line in lines] == [
        ("first", "ct20", 4),
        ("second", "ct20", 4),
    ]
    line = lines[0]
    assert line["tau"] == pytest.approx((4 - 2) / 6)  # ADMM-TV is above Langevin and PaDIS


def test_ledger_is_laid_out(tables, tmp_path):
    write(
        tmp_path / "claims.csv", tables, {"ct20": "CT | 20", "ct8": "CT, 8"}, ROWS, "smaller images"
    )
    text = (tmp_path / "claims.md").read_text()
    lines = text.splitlines()
    assert "| by PSNR, on the problem of that name | 1 | 1 | 0 | 1 | 3 | 2 |" in lines
    assert "| by PSNR, on it, without the baseline | 0 | 1 | 0 | 1 | 2 | 1 |" in lines
    assert "| by PSNR, on a problem like it | 0 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert any("| the same name | Baseline | PaDIS | -8.64 | -9.00 ± " in line for line in lines)
    assert "differs from the paper's: smaller images." in text
    assert pd.read_csv(tmp_path / "claims.csv")["verdict"].notna().all()
    assert len(pd.read_csv(tmp_path / "numbers.csv")) == 2 * 16


def test_claims_on_another_problem_are_counted_apart(tables, tmp_path):
    tables["first"]["published_as"] = tables["first"]["published_as"].str.replace("ct20", "ct60")
    found = claims.orders(tables)
    assert set(found[found["problem"] == "ct20"]["paper"]) == {"ct60", "ct20"}
    write(tmp_path / "claims.csv", tables, {"ct20": "CT | 20", "ct8": "CT, 8"}, ROWS, "")
    lines = (tmp_path / "claims.md").read_text().splitlines()
    assert "| by PSNR, on a problem like it | 1 | 1 | 0 | 1 | 0 | 2 |" in lines
    assert any(r"| CT \| 20 | ct60 | Baseline | PaDIS | " in line for line in lines)


def test_a_number_of_which_one_score_is_published(tables, tmp_path):
    table = tables["first"]
    table.loc[table["method"] == "padis", "ssim_published"] = float("nan")
    write(tmp_path / "claims.csv", tables, {"ct20": "CT", "ct8": "CT, 8"}, ROWS, "")
    text = (tmp_path / "claims.md").read_text()
    assert (
        "| first | CT | the same name | PaDIS | 33.57 / - | 33.10 / - | not reproduced | - |"
        in text
    )
