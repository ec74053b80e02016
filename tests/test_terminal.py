"""What the terminal shows of a run, and how long it says that the run will take."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest
from running import SETTINGS, copy_project, run

from workflow.config import jobs
from workflow.config.resolve import resolve
from workflow.run.estimate import guess, pace, spoken
from workflow.run.progress import ProgressLine, said_last
from workflow.run.terminal import reason

TARGET = "results/test/data/ct/test.npy"
LOG = "results/test/logs/prepare/ct/test.log"
LABEL = "prepare ct/test"


# ---- time left ----------------------------------------------------------------------------------


def test_longer_jobs_are_guessed_to_be_longer():
    config = resolve({"preset": "quick"})
    rows = ("baseline", "admm_tv", "padual", "padis")
    seconds = [guess(jobs.reconstruct(config, "ct20", row))[1] for row in rows]
    assert seconds == sorted(seconds)
    assert 60 < seconds[-1] < 600
    assert 300 < guess(jobs.train(config, "ct", "patch"))[1] < 3000
    assert guess(jobs.tune(config, "ct20", "padis"))[1] > seconds[-1]
    assert guess(None)[1] < 60


def test_the_pace_of_finished_jobs_replaces_the_guess():
    train, other = ("Train", 1000.0), ("Reconstruct", 100.0)
    assert pace([])(train) == 1000
    slow = pace([(train, 10_000.0)])
    assert slow(train) == pytest.approx(10_000, rel=0.01)
    assert 500 < slow(other) <= 1000  # the machine is slow, it seems
    both = pace([(train, 10_000.0), (other, 50.0), (other, 50.0), (other, 50.0)])
    assert both(other) < 200


def test_times_are_said_without_digits_that_are_not_known():
    said = [spoken(seconds) for seconds in (3, 60, 600, 9000)]
    assert said == ["less than a minute", "a minute", "10 minutes", "2.5 hours"]


def test_the_line_of_a_job_says_how_long_it_takes(tmp_path, capsys):
    log = tmp_path / "job.log"
    line = ProgressLine("padis on ct8", 12, "images", interval=0)
    line.start -= 100
    line.update(4)
    log.write_text("a warning\n" + capsys.readouterr().err)
    text, left = said_last(str(log))
    assert text.startswith("4/12 images [01:40<03:20, ")
    assert left == pytest.approx(200, abs=2)
    assert said_last(str(log), time.time() + 10) == ("", None)  # of another attempt
    line.update(12.4)
    assert "12/12 images" in capsys.readouterr().err
    log.write_text("loading\n\n")
    assert said_last(str(log)) == ("loading", None)
    assert said_last(str(tmp_path / "none")) == ("", None)


def test_the_reason_is_the_error_or_the_last_line(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("Traceback\nKeyError: 1\n\n")
    assert reason(str(log)) == ["KeyError: 1"]
    log.write_text("error: two lines:\n  mend it\n")
    assert reason(str(log)) == ["error: two lines:", "  mend it"]
    assert reason(str(log), time.time() + 10) == []  # of another attempt
    assert reason("") == []


# ---- what appears -------------------------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path):
    """A project whose test images take a few seconds to prepare."""
    many = {"test": 160, "params": {"test_patients": 4, "slices": 40, "resolution": 128}}
    return copy_project(tmp_path / "fresh", {**SETTINGS, "datasets": {"ct": many}})


def test_a_run_has_a_line_per_job_and_says_where_the_results_are(fresh):
    code, output = run(fresh, "--dry-run", "--", TARGET)
    assert code == 0
    assert "rule prepare:" in output  # as Snakemake prints it
    code, output = run(fresh, "--", TARGET)
    assert code == 0, output
    lines = output.splitlines()
    assert f"started: {LABEL}" in lines
    (finished,) = [line for line in lines if line.startswith(f"finished: {LABEL} in 0")]
    assert finished.endswith("100% done (1 of 1 jobs)")
    assert lines[-2] == "Results: results/test"
    log = fresh / lines[-1].removeprefix("Snakemake's log: ")
    assert "rule prepare:" in log.read_text()
    assert "rule prepare:" not in output


FLAGS = {  # flag: what the output has, what it has not
    "--printshellcmds": (["python -m workflow prepare", "started: "], []),
    "--verbose": (["rule prepare:", "Provided cores"], ["started: "]),
    "--quiet": ([], ["started: ", "rule prepare:"]),
    "--list": (["prepare"], ["started: "]),
}


@pytest.mark.parametrize("flag", FLAGS)
def test_flags_of_snakemake_work(fresh, flag):
    code, output = run(fresh, flag, "--", TARGET)
    assert code == 0, output
    wanted, unwanted = FLAGS[flag]
    assert all(words in output for words in wanted)
    assert not any(words in output for words in unwanted)


def test_a_job_that_fails_has_its_reason_and_its_log_at_once_and_at_the_end(tmp_path):
    source = {"source": "folder", "size": [32, 32], "params": {"path": "no/such/folder"}}
    folder = copy_project(tmp_path / "missing", {**SETTINGS, "datasets": {"ct": source}})
    code, output = run(folder, "--", TARGET)
    assert code == 1
    lines = output.splitlines()
    at = lines.index(f"failed: {LABEL} (log: {LOG})")
    assert lines[at + 1].startswith("error: ")
    assert "no/such/folder" in (folder / LOG).read_text()
    assert any(line.startswith("Snakemake's log: ") for line in lines[-2:])
    end = lines.index(f"failed: {LABEL}: {lines[at + 1]} (log: {LOG})")
    assert at + 1 < end < len(lines) - 1


def in_a_terminal(folder, wanted=None, keys=b""):
    """Run in a pseudo terminal and type ``keys`` when ``wanted`` appears."""
    main, other = pty.openpty()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "my.yaml"]
    process = subprocess.Popen(
        [*command, "--", TARGET], cwd=folder, stdin=other, stdout=other, stderr=other,
        start_new_session=True, preexec_fn=take_terminal, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(other)
    output = ""
    while True:
        ready = select.select([main], [], [], 120)[0]
        assert ready, output
        try:
            output += os.read(main, 65536).decode(errors="replace")
        except OSError:  # the other side is closed
            break
        if wanted and wanted in output:
            os.write(main, keys)
            wanted = None
    os.close(main)
    return process.wait(), output


def take_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_in_a_terminal_lines_move_and_an_interrupted_run_goes_on(fresh):
    code, output = in_a_terminal(fresh, LABEL, b"\x03")
    assert code != 0
    assert "interrupted: start it again" in output
    assert "failed: " not in output
    assert not (fresh / TARGET).exists()
    code, output = in_a_terminal(fresh)
    assert code == 0, output
    assert (fresh / TARGET).exists()
    assert "started: " not in output
    assert re.search(rf"00:0\d  {LABEL}", output)
    assert re.search(r"\d% done \(0 of 1 jobs\), roughly less than a minute left", output)
    assert "Results: results/test" in output
    assert output.rfind("\x1b[?25h") > output.rfind("\x1b[?25l")  # the cursor is back
