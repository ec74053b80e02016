"""What the terminal shows of a run, tested on a small Snakefile, and the time left."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT
from running import workflow

from snakemake_logger_plugin_padis import Job, work
from workflow.config.commands import RUN, SHOW
from workflow.run.progress import ProgressLine

# Jobs wait for the file `go`. The job `bad` fails, and `a` prints its progress.
SNAKEFILE = """
from snakemake.logging import logger

PROGRESS = "label: 25% 1/4 images [00:01<00:03, 1 s/image]"

rule all:
    input: "a.txt"

rule make:
    output: "{name}.txt"
    log: "logs/{name}.log"
    params: size=config.get("size", 1)
    shell:
        "(if [ {wildcards.name} = a ]; then echo '{PROGRESS}'; fi;"
        " while [ ! -e go ]; do sleep 0.1; done;"
        " if [ {wildcards.name} = bad ]; then echo 'error: no data'; exit 1; fi;"
        " touch {output}) &> {log}"

onstart:
    expected = {
        job.jobid: (job.rule.name, 36000 if "b.txt" in job.output else 4)
        for job in workflow.dag.needrun_jobs()
    }
    logger.info("", extra={"event": "expected_seconds", "jobs": expected})

onsuccess:
    logger.getChild("workflow").info("Results: here")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "go").touch()
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path


def command(*arguments):
    return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]


# The plugin is found where Python looks for modules, whether the project is installed or not.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}


def run(folder, *arguments):
    done = subprocess.run(
        command(*arguments), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


class Terminal:
    """A run of Snakemake in a pseudo terminal."""

    def __init__(self, folder, *arguments):
        self.main, other = pty.openpty()
        self.output = ""
        self.process = subprocess.Popen(
            command(*arguments), cwd=folder, env=ENVIRONMENT, stdin=other, stdout=other,
            stderr=other, start_new_session=True, preexec_fn=take_terminal,
        )  # fmt: skip
        os.close(other)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.main)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def read(self, pattern=None):
        """Read until ``pattern`` appears, or to the end. Fails after five minutes."""
        deadline = time.monotonic() + 300
        while not (pattern and re.search(pattern, self.output)):
            assert time.monotonic() < deadline, self.output[-3000:]
            if select.select([self.main], [], [], 1)[0]:
                try:
                    self.output += os.read(self.main, 65536).decode(errors="replace")
                except OSError:  # Snakemake closed its side
                    assert pattern is None, self.output[-3000:]
                    break

    def end(self):
        """Read to the end and return the exit status."""
        self.read()
        return self.process.wait()


def take_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


# ---- what appears -------------------------------------------------------------------------------


def test_output_to_a_file_has_a_line_per_started_and_finished_job(folder):
    code, output = run(folder)
    assert code == 0, output
    lines = output.splitlines()
    assert "started: make a" in lines
    assert any(re.fullmatch(r"finished: make a in [\d:]+; .*\(1 of 2 jobs\).*", x) for x in lines)
    assert any(re.fullmatch(r"finished: all in .*; 100% done \(2 of 2 jobs\)", x) for x in lines)
    assert lines[-1] == "Results: here"
    assert "\x1b" not in output
    assert "rule make:" not in output


def test_a_second_run_does_nothing_and_a_dry_run_has_old_and_new_parameters(folder):
    run(folder)
    code, output = run(folder)
    assert code == 0
    assert "Nothing to be done" in output
    code, output = run(folder, "--dry-run", "--config", "size=2")
    assert code == 0, output
    assert "rule make:" in output
    assert re.search(r"reason: .*Params have changed", output)
    assert re.search(r"before: .*1.*now: .*2", output)


FLAGS = {  # option: text in the output, text not in the output
    "--printshellcmds": (["touch a.txt", "started: make a"], []),
    "--verbose": (["rule make:"], ["started: "]),
    "--quiet": ([], ["started: ", "rule make:"]),
    "--list": (["make"], ["started: "]),
}


@pytest.mark.parametrize("flag", FLAGS)
def test_options_of_snakemake_work(folder, flag):
    code, output = run(folder, flag)
    assert code == 0, output
    present, absent = FLAGS[flag]
    assert all(text in output for text in present), output
    assert not any(text in output for text in absent), output


def test_a_failed_job_is_reported_with_its_log_at_once_and_at_the_end(folder):
    code, output = run(folder, "--keep-going", "bad.txt", "a.txt")
    assert code == 1
    lines = output.splitlines()
    at = lines.index("failed: make bad (log: logs/bad.log)")
    assert "error: no data" in lines[at + 1 : at + 3]
    assert lines[-1] == "failed: make bad: error: no data (log: logs/bad.log)"
    assert any(line.startswith("finished: make a") for line in lines)


def test_a_mistake_in_the_snakefile_is_reported(folder):
    code, output = run(folder, "missing.csv")
    assert code != 0
    assert "MissingRuleException" in output


def test_a_terminal_has_a_line_per_running_job_and_one_for_the_run(folder):
    (folder / "go").unlink()
    with Terminal(folder, "a.txt", "b.txt") as terminal:
        terminal.read(r"\d\d:\d\d.* make a.* 1/4 images \[00:01<00:03, 1 s/image\]")
        terminal.read(r"\d\d:\d\d.* make b ")
        terminal.read(r"\d% done \(0 of 2 jobs\), about (9|10)\.\d hours left")
        (folder / "go").touch()
        assert terminal.end() == 0
    assert "Results: here" in terminal.output
    assert "started: " not in terminal.output
    assert terminal.output.rfind("\x1b[?25h") > terminal.output.rfind("\x1b[?25l")  # the cursor


def test_an_interrupted_run_has_no_failed_jobs_and_continues(folder):
    (folder / "go").unlink()
    with Terminal(folder) as terminal:
        terminal.read("make a")
        os.write(terminal.main, b"\x03")
        assert terminal.end() != 0
    assert "Interrupted. Run the same command again" in terminal.output
    assert "failed: " not in terminal.output
    (folder / "go").touch()
    assert run(folder)[0] == 0


# ---- progress and time left ---------------------------------------------------------------------


def test_the_progress_of_a_job_is_the_last_line_of_its_log(tmp_path, capsys):
    log = tmp_path / "job.log"
    line = ProgressLine("padis on ct8", 12, "images", interval=0)
    line.start -= 100
    line.update(4)
    printed = capsys.readouterr().err
    assert printed.startswith("padis on ct8: 33% 4/12 images [01:40<03:20, ")
    log.write_text("a warning\n" + printed)
    job = Job("reconstruct", "", str(log), time.time() - 100, 60.0)
    os.utime(log, (job.start + 100, job.start + 100))
    job.read()
    assert job.share == 0.33
    assert job.seconds == pytest.approx(300, abs=2)
    assert job.text.startswith("4/12 images")
    line.update(12.4)
    assert "100% 12/12 images" in capsys.readouterr().err


def test_logs_without_progress_and_logs_of_earlier_runs(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("loading\n\n")
    job = Job("make", "", str(log), 0.0, 60.0)
    job.read()
    assert (job.text, job.share, job.seconds) == ("loading", None, None)
    os.utime(log, (1000, 1000))
    for path, start in ((str(log), 2000.0), (str(tmp_path / "none"), 0.0), ("", 0.0)):
        job = Job("make", "", path, start, 60.0)
        job.read()
        assert job.text == ""


def ahead(finished=(), running=(), waiting=()):
    return work(list(finished), list(running), list(waiting), 1000.0)[1]


def test_finished_jobs_correct_the_expected_time():
    waiting = [("train", 1000.0), ("reconstruct", 100.0)]
    assert ahead(waiting=waiting) == 1100
    slow = ahead([("train", 1000.0, 10_000.0)], waiting=waiting)
    assert slow == pytest.approx(10_000 + 960, rel=0.1)  # the others as well, for want of better
    both = [("train", 1000.0, 10_000.0), *[("reconstruct", 100.0, 50.0)] * 20]
    assert ahead(both, waiting=[("reconstruct", 100.0)]) < 100


def test_running_jobs_count_by_what_they_report():
    job = Job("train", "", "", 900.0, 60.0)
    job.seconds = 1100.0
    assert ahead(running=[job]) == 1000
    assert ahead(running=[job], waiting=[("train", 60.0)]) > 1500
    job.seconds = None
    assert ahead(running=[job]) == 10  # it took longer than expected: a tenth more


def test_the_help_lists_what_people_call_and_names_the_nearest_word(tmp_path):
    _, output = workflow(tmp_path, "--help", root=ROOT)
    listed = re.findall(r"^│ (\w+)  ", output, re.M)
    assert {"new", "check", "card", "list", "data", "verify", "site"} <= set(listed)
    assert not {*RUN, *SHOW, "fetch", "validate"} & set(listed)
    assert "Did you mean 'card'?" in workflow(tmp_path, "cadr", root=ROOT)[1]
