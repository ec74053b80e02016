"""Problems with `samples`: configuration, records of jobs, what is measured and kept, tables."""

import numpy as np
import pandas as pd
import pytest
import torch

from problems.ct import CT
from problems.datasets.base import Images
from problems.deblurring import Deblurring
from problems.inpainting import Inpainting
from problems.noise import ImageNoise
from workflow.config import shown as shown_by
from workflow.config.build import build_method
from workflow.config.entry import ConfigError
from workflow.config.jobs import Jobs
from workflow.config.machine import Machine
from workflow.config.resolve import resolve
from workflow.config.views import sampled_tables
from workflow.plugins.discovery import draws
from workflow.run.sample import KEPT, Judged, draw, numbers_of, unseen
from workflow.score.calibration import BAR
from workflow.score.samples import LEVELS, name, rank_columns
from workflow.score.scores import read_all
from workflow.score.summary import summarise_samples
from workflow.show import cells
from workflow.show.maps import KINDS, figure, maps_of
from workflow.show.samples import scores_of, write_table
from workflow.store.arrays import save_arrays, save_measurements, save_record
from workflow.store.provenance import hashes

SMOKE = {"preset": "smoke"}
PROBLEM, TABLE = "ct20_noisy", "posterior"


def test_rows_that_sample_are_told_from_point_estimators():
    config = resolve({"preset": "small"})
    table = TABLE
    assert table in sampled_tables(config)
    problem = config["tables"][table]["problems"][0]
    rows = [*config["tables"][table]["rows"], "padual_homogenised", "red_diff"]
    found = {row: Jobs(config).reconstruct(problem, row) for row in rows}
    points = {row for row, job in found.items() if not draws(build_method(job.method, job.params))}
    assert points == {"padual", "pnp_admm", "red_diff"}
    repeats = {Jobs(config).sample(problem, row).repeats for row in rows}
    assert repeats == {config["problems"][problem]["samples"]}  # the job of a point estimator: 1


def test_samples_reach_the_jobs_of_their_problem_only():
    config, other = resolve(SMOKE), resolve(SMOKE)
    other["problems"][PROBLEM]["samples"] = 7
    assert Jobs(other).sample(PROBLEM, "langevin").repeats == 7
    first, second = (Jobs(c).sample(PROBLEM, "langevin") for c in (config, other))
    assert first.hash != second.hash
    assert Jobs(config).reconstruct("ct20", "langevin") == Jobs(other).reconstruct(
        "ct20", "langevin"
    )
    assert Jobs(config).measure(PROBLEM).hash == Jobs(other).measure(PROBLEM).hash
    assert len(Jobs(config).measure(PROBLEM).inputs) == 4


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tables": {TABLE: {"problems": ["ct20", PROBLEM]}}}, "use two tables"),
        ({"experiments": [TABLE]}, "under `more`"),
        ({"tables": {TABLE: {"controls": ["oracle"]}}}, "remove `controls`"),
        ({"problems": {PROBLEM: {"repeats": 2}}}, "remove one"),
        ({"problems": {PROBLEM: {"samples": 1}}}, "samples"),
    ],
)
def test_mistakes_are_named(settings, said):
    with pytest.raises(ConfigError, match=said):
        resolve({**SMOKE, **settings})


def test_numbers_of_a_measurement_are_those_that_noise_reaches():
    shape = (1, 24, 20)
    assert numbers_of(Inpainting(shape, Inpainting.Params(keep=0.3)), shape) == round(0.3 * 480)
    assert numbers_of(Deblurring(shape, Deblurring.Params(kernel_size=3)), shape) == 480
    ct = CT(shape, CT.Params(views=6, noise_level=0.2))
    y = ct.physics.A(torch.zeros(1, *shape))
    assert numbers_of(ct, tuple(y.shape[1:])) == y.numel()


def test_the_unseen_part_is_not_seen():
    problem = CT((1, 24, 20), CT.Params(views=6, noise_level=0.2))
    x = torch.rand(2, 1, 24, 20, generator=torch.Generator().manual_seed(0))
    seen = problem.physics.A(x).norm()
    hidden = unseen(problem, x.numpy())
    again = unseen(problem, hidden)
    assert problem.physics.A(torch.from_numpy(hidden)).norm() < 1e-3 * seen
    assert np.abs(again - hidden).max() < 1e-3
    assert np.linalg.norm(hidden) > 0.1 * float(x.norm())


def judged(spread, count=16):
    """Deblurring of exact samples: N(m, 0.05^2) in every pixel, of the truth, too."""
    problem = Deblurring((1, 32, 32), Deblurring.Params(kernel_size=3, noise_level=0.05))
    random = np.random.default_rng(0)
    mean = random.uniform(0.4, 0.6, size=(5, 1, 32, 32))
    truth = (mean + 0.05 * random.normal(size=mean.shape)).astype(np.float32)
    x = mean + spread * 0.05 * random.normal(size=(count, *mean.shape))
    y = problem.measure(torch.from_numpy(truth), ImageNoise(list(range(5)))).numpy()
    images = Images(truth, list("abcde"), list("ppqvv"), [1] * 5)
    job = Jobs(resolve(SMOKE)).sample(PROBLEM, "langevin")
    return Judged(problem, images, y, x.reshape(-1, 1, 32, 32).astype(np.float32), job)


def test_a_problem_without_noise_is_refused(tmp_path):
    config = resolve({**SMOKE, "problems": {PROBLEM: {"params": {"noise_level": 0.0}}}})
    job = Jobs(config).sample(PROBLEM, "pnp_admm")
    images = Images(np.zeros((1, 1, 32, 32), np.float32), ["a"], ["p"], [1])
    save_measurements(tmp_path / "y.npz", np.zeros((1, 1, 4), np.float32), images)
    paths = (tmp_path / name for name in ("out.npz", "test.npy", "validation.npy", "y.npz"))
    with pytest.raises(ValueError, match="give its params a noise_level"):
        draw(job, *paths, machine=Machine(cache=tmp_path))


def test_samples_are_not_drawn_again_where_an_attempt_was_killed_as_it_judged(
    tmp_path, monkeypatch
):
    job = Jobs(resolve(SMOKE)).sample(PROBLEM, "pnp_admm")
    images = Images(np.zeros((1, 1, 32, 32), np.float32), ["a"], ["p"], [1])
    y = tmp_path / "y.npz"
    drawn = []

    def reconstruct(job, out, *inputs, machine):
        drawn.append(out)
        made = {"inputs": hashes(inputs)}
        save_arrays(out, x_hat=np.zeros((1, 1, 32, 32), np.float32))
        record = {"spec": job.record, "status": "ok", "made_with": made}
        save_record(out.with_suffix(".json"), record)

    monkeypatch.setattr("workflow.run.sample.reconstruct", reconstruct)
    paths = [tmp_path / name for name in ("out.npz", "test.npy", "validation.npy")]
    for value, times in ((0, 1), (0, 1), (1, 2)):
        save_measurements(y, np.full((1, 1, 4), value, np.float32), images)
        draw(job, *paths, y, machine=Machine(cache=tmp_path))
        assert len(drawn) == times


def test_scores_are_of_test_images_and_bars_of_validation_images():
    right = judged(1.0)
    frame = right.scores(test=3)
    assert frame["image"].tolist() == list("abc")
    assert frame["cluster"].tolist() == list("ppq")
    assert frame["samples"].tolist() == [16] * 3
    for level in LEVELS:
        assert frame[name("coverage", level)].mean() == pytest.approx(level, abs=0.03)
    assert frame[rank_columns(16)].sum(axis=1).to_numpy() == pytest.approx(1)
    assert frame["bar_coverage"].mean() == pytest.approx(BAR, abs=0.03)
    gain = 10 * np.log10(2 / (1 + 1 / 16))  # squared errors: 2 s^2 of a sample, s^2 (1 + 1/K)
    assert (frame["psnr_mean"] - frame["psnr_sample"]).mean() == pytest.approx(gain, abs=0.2)
    narrow = judged(0.5).scores(test=3)
    assert (narrow[name("coverage", 0.9)] < 0.75).all()
    assert narrow["bar_coverage"].mean() == pytest.approx(BAR, abs=0.03)  # scaled up
    assert (narrow["bar_scale"] > 1.5 * frame["bar_scale"]).all()
    kept = right.kept(test=3)
    assert kept["samples"].shape == (3, KEPT, 1, 32, 32)
    assert kept["ranks"].max() <= 16
    assert {part.shape for key, part in kept.items() if key != "samples"} == {(3, 1, 32, 32)}
    assert np.array_equal(kept["samples"][2, 1], right.samples[1, 2])


def test_a_point_estimator_has_no_spread():
    alone = judged(1.0, count=1)
    frame, kept = alone.scores(test=3), alone.kept(test=3)
    assert not {"psnr_mean", "spread_skill", "bar_scale", *rank_columns(1)} & set(frame)
    assert kept["samples"].shape == (3, 1, 1, 32, 32)
    assert frame["crps"].iloc[0] == pytest.approx(
        np.abs(kept["samples"][0, 0] - alone.truth.pixels[0]).mean()
    )


@pytest.fixture
def written(tmp_path):
    """Scores of a row that samples, of a point estimator and of a failed one, as tables."""
    config, paths = resolve(SMOKE), []
    config["tables"][TABLE]["rows"] = ["langevin", "pnp_admm", "padis"]
    costs = {"denoiser_calls": 4.0, "seconds": 1.0}
    frames = {
        "langevin": judged(1.0).scores(3).assign(status="ok", reason="", **costs),
        "pnp_admm": judged(1.0, count=1).scores(3).assign(status="ok", reason="", **costs),
        "padis": pd.DataFrame([{"image": "", "cluster": "", "status": "failed", "reason": "why"}]),
    }
    for row, frame in frames.items():
        paths.append(tmp_path / f"{row}.csv")
        frame.assign(problem=PROBLEM, method=row).to_csv(paths[-1], index=False)
    (tmp_path / "tables").mkdir()
    settings = shown_by.show(config, "samples", [TABLE], TABLE).settings
    write_table(settings, TABLE, read_all(paths), tmp_path)
    return tmp_path, frames, paths


def test_means_have_intervals_over_patients(written):
    from workflow.score.intervals import half_width

    _, frames, paths = written
    line = summarise_samples(read_all(paths)).set_index("method").loc["langevin"]
    values = frames["langevin"]["crps"]
    assert line["crps"] == pytest.approx(values.mean())
    assert line["crps_ci95"] == pytest.approx(half_width(values, list("ppq")))
    assert (line["images"], line["clusters"], line["samples"]) == (3, 2, 16)


def test_the_table_marks_point_estimators_and_says_what_failed(written):
    folder, frames, _ = written
    table = cells.load(folder / "tables" / f"{TABLE}.json")[PROBLEM]
    shown = {row[0].parts[0][0]: row for row in table.blocks[0]}
    assert list(shown) == ["Langevin dynamics", "PnP-ADMM (point)", "PaDIS"]
    psnr = shown["Langevin dynamics"][1].parts[0][0]
    assert psnr.startswith(f"{frames['langevin']['psnr_sample'].mean():.2f} ± ")
    assert [c.parts[0][0] for c in shown["PnP-ADMM (point)"]].count(cells.NOTHING) == 14
    assert table.notes == ["failed: why"]
    assert "seconds" not in pd.read_csv(folder / "tables" / f"{TABLE}.csv")
    assert "seconds" in pd.read_csv(folder / "tables" / f"{TABLE}_cost.csv")
    assert (folder / "figures" / f"{TABLE}.png").stat().st_size > 5000


def test_rows_are_compared_image_by_image(tmp_path):
    paths, frames = [], {}
    for row, factor in (("right", 1.0), ("narrow", 0.5), ("point", 1.0)):
        frame = judged(factor, count=1 if row == "point" else 16).scores(3)
        frames[row] = frame.assign(status="ok", reason="", problem=PROBLEM, method=row)
        frames[row].to_csv(tmp_path / f"{row}.csv", index=False)
        paths.append(tmp_path / f"{row}.csv")
    pairs = [["narrow", "right"], ["point", "right"]]
    found = summarise_samples(read_all(paths), pairs).set_index("method")
    line, lines = found.loc["narrow - right"], found.loc[["narrow", "right"]]
    for score in ("calibration_error", "crps", "coverage_90"):
        assert line[score] == pytest.approx(lines[score].diff().iloc[1] * -1)
    covered = frames["narrow"][[name("coverage", q) for q in LEVELS]].to_numpy()
    assert found.loc["narrow", "calibration_error"] == pytest.approx(
        np.abs(covered - LEVELS).mean()
    )
    assert line["calibration_error"] > line["calibration_error_ci95"] > 0
    assert np.isnan(found.loc["point - right", "calibration_error"])
    assert found.loc["point - right", "crps"] > 0
    rows = {"right": "R", "narrow": "N", "point": "P"}
    table = scores_of(summarise_samples(read_all(paths), pairs), PROBLEM, "CT", rows, pairs)
    assert [row[0].parts[0][0] for row in table.blocks[1]] == ["N minus R", "P minus R"]
    column = [own for _, own in table.header].index("Calibration error")
    text, bold = table.blocks[1][0][column].parts[0]
    assert text.startswith("+")
    assert bold


def test_maps_show_what_a_row_has():
    right, alone = judged(1.0), judged(1.0, count=1)
    truth = right.truth.pixels[:3]
    found = maps_of(right.kept(3), truth, right.scores(3).assign(status="ok"))
    assert set(found) == {*KINDS, "unseen_truth"}
    ratio = found["bar"] / found["std"]
    assert np.median(ratio) == pytest.approx(right.scores(3)["bar_scale"][0], rel=0.1)
    point = maps_of(alone.kept(3), truth, alone.scores(3).assign(status="ok"))
    assert set(KINDS) - set(point) == {"mean", "std", "bar"}
    failed = pd.DataFrame([{"status": "failed"}])
    assert maps_of({"mean": truth[:0]}, truth, failed) == {}
    settings = {"images": 1, "window": [0, 1], "error_max": 0.2}
    images = Images(truth, *(part[:3] for part in right.truth[1:]))
    drawn = figure(images, {"a": found, "b": point, "c": {}}, settings, {"a": "A", "b": "B"})
    pictures = [len(axes.images) for axes in drawn.axes]
    assert sum(pictures) == 2 + len(KINDS) + 3  # truth, a row that samples, a point estimator
