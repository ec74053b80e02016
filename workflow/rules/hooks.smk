# What is checked and done when a run starts, and what is said when it ends.
import json
import subprocess

from snakemake.cli import get_argument_parser
from snakemake.logging import logger

from workflow.plugins.params import nearest
from workflow.run.estimate import expected_seconds
from workflow.store.failures import last_lines


def check_targets():
    """End with a line that names the targets if the command line has another one."""
    if not (workflow.is_main_process and "snakemake" in sys.argv[0]):
        return
    names = ["all", *TABLES, "ablations", "generation", "tune"]
    for target in get_argument_parser().parse_args(sys.argv[1:]).targets:
        if target not in [*names, *(known.name for known in workflow.rules)] and "/" not in target:
            hint = nearest(target, names).split("; known")[0]
            sys.exit(f"error: unknown target {target!r}{hint}; targets are {', '.join(names)}")


def check_parameters():
    """End with one line if a plugin does not take its parameters; importing all takes seconds."""
    command = [sys.executable, "-m", "workflow", "validate"]
    done = subprocess.run(command, input=json.dumps(CONFIG), text=True, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(done.stderr.strip())


def log_expected_seconds():
    """Send the expected duration of each job to the display in the terminal."""
    jobs = {
        job.jobid: (
            job.rule.name,
            expected_seconds(SPECS.get(job.params.get("spec"))) if job.is_shell else 0.0,
        )
        for job in workflow.dag.needrun_jobs()
    }
    logger.info("", extra={"event": "expected_seconds", "jobs": jobs})


# The display prints what this logger says, and only warnings and errors of Snakemake itself.
messages = logger.getChild("workflow")


def say_the_end(log, results):
    """Say where results and Snakemake's log are; return what is said of failed rows.

    Failed rows do not stop anything else; the end of the output and the exit status say that they are.
    """
    for line in [*results, *(f"Snakemake's log: {name}" for name in log[:1])]:
        messages.info(line)
    found = shown(CONFIG, TABLES)
    return last_lines(RUN, [path.replace(".npz", ".json") for path in reconstructions_of(found)])


def save_specs():
    """Write what the jobs of this run read, or end with one line."""
    try:
        for job in workflow.dag.needrun_jobs():
            if "spec" in job.params.keys():
                save_spec(job.params.spec, SPECS[job.params.spec])
    except OSError as error:
        sys.exit(
            f"error: {RUN} cannot be written ({error.strerror}); allow it, or set another name"
        )


onstart:
    check_parameters()
    save_specs()
    log_expected_seconds()


onsuccess:
    page = f"{RUN}/report/index.html"  # or the folder, if the run is of single targets
    made = page if any(page in job.output for job in workflow.dag.jobs) else RUN
    if failed := say_the_end(log, [f"Results: {made}"]):
        sys.exit(failed)


onerror:
    if failed := say_the_end(log, []):
        messages.error(failed)
