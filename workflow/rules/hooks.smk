# What is done when a run starts and what is said when it ends.
import json
import subprocess

from snakemake.logging import logger

from workflow.run.estimate import expected_seconds
from workflow.store.failures import last_lines


def failures():
    """What is said at the end of failed rows, which stop nothing else."""
    records = [
        f"{RUN}/reconstructions/{problem}/{row}.json" for problem, row in shown(CONFIG, TABLES)
    ]
    return last_lines(RUN, records)


def made():
    """Where the results of this run are: the page, or the folder if it is of single targets."""
    page = f"{RUN}/report/index.html"
    return page if any(page in job.output for job in workflow.dag.jobs) else RUN


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


onstart:
    check_parameters()
    for job in workflow.dag.needrun_jobs():
        if "spec" in job.params.keys():
            save_spec(job.params.spec, SPECS[job.params.spec])
    log_expected_seconds()


# Failed rows do not stop anything else; the end of the output and the exit status say that they are.
onsuccess:
    messages.info(f"Results: {made()}")
    for name in log[:1]:
        messages.info(f"Snakemake's log: {name}")
    if failures():
        sys.exit(failures())


onerror:
    for name in log[:1]:
        messages.info(f"Snakemake's log: {name}")
    if failures():
        messages.error(failures())
