# The validated configuration and what the rules share. Reading these files writes nothing else.
import os
from pathlib import Path
from shlex import quote

from snakemake.utils import update_config

from workflow.config import shown as shown_by
from workflow.config.entry import ConfigError
from workflow.config.jobs import NETWORKS as STORE, Jobs
from workflow.config.machine import environment, gpus
from workflow.config.resolve import read, resolve
from workflow.config.spec import save_spec
from workflow.plugins.contained import PARENT
from workflow.plugins.params import PluginError

# With --directory the results lie elsewhere; links there lead to what is read of the project.
PROJECT = Path(workflow.basedir).resolve()
if Path.cwd().resolve() != PROJECT:
    for name in ("methods", "problems", "workflow", "results/networks", "results/published"):
        if not Path(name).exists():
            try:
                Path(name).parent.mkdir(exist_ok=True)
                Path(name).symlink_to(PROJECT / name)
            except OSError as failed:
                sys.exit(f"error: {failed}: name a folder that can be written to")
        elif Path(name).resolve() != PROJECT / name:
            sys.exit(f"error: {Path(name).absolute()} is in the way: name an empty folder")

# What the user asks for: files, read by the rules of YAML 1.2, and over them `--config`.
ASKED = {}
try:
    for settings in (*map(read, workflow.configfiles), workflow.config_settings.config):
        update_config(ASKED, settings)
    CONFIG = resolve(ASKED)
except (ConfigError, PluginError) as error:
    sys.exit(f"error: {error}")

JOBS = Jobs(CONFIG)
RUN = f"results/{CONFIG['name']}"
TABLES = CONFIG["tables"]

# What a job reads stands in a file that is named by its key. The files are written when the run
# starts, by the process that holds Snakemake's lock.
SPECS = {}
SLOTS = 40  # parameters of a rule: one per line of a record, the last one with all that are left


def spec(job):
    path = f"{RUN}/specs/{job.hash}.json"
    SPECS[path] = job
    if workflow.remote_exec and not workflow.storage_settings.shared_fs_usage:
        save_spec(path, job)  # on a node that does not see the files of who started the run
    return path


def values(job):
    """Parameters of a rule: the values of its job, and as ``spec`` the file that has them.

    Snakemake compares the values, one by one and without their names, with those of the last time,
    and prints what differs. It does not compare the file, as that function asks for the output.

    Args:
        job: the job (``workflow.config.spec``), or a function of wildcards to it.
    """
    known = {}

    def made(w):
        key = tuple(w)
        if key not in known:
            found = job(w) if callable(job) else job
            known[key] = spec(found), found.lines(SLOTS)
        return known[key]

    def value(slot):
        return lambda w: (made(w)[1] + [""] * SLOTS)[slot]

    return {
        "spec": lambda w, output: made(w)[0],
        **{f"value_{slot}": value(slot) for slot in range(SLOTS)},
    }


def reported(files, caption, category, **labels):
    """Output files that are in Snakemake's report, too."""
    caption = f"../show/captions/{caption}.rst"
    return report(files, caption=caption, category=category, labels=labels)


# On this machine each job takes a GPU, or its share of one, of those that it sees; on a cluster
# `device: cuda` asks the executor for one, and a job has the cores that it asked for.
HERE = workflow.is_main_process and workflow.local_exec
GPUS = gpus() if HERE and CONFIG["device"] != "cpu" else []
ON_GPU = bool(GPUS) or CONFIG["device"] == "cuda"
THREADS = CONFIG["threads"]
if HERE and ON_GPU:
    at_once = max(len(GPUS), 1) * CONFIG["jobs_per_gpu"]
    THREADS = max(THREADS, (workflow.resource_settings.cores or 1) // at_once)
    workflow.global_resources.setdefault("gpu", at_once)


def needs(rule):
    """Resources of the jobs of a rule, as a cluster is asked for them."""
    gpus = {"prepare": 0, "measure": 0, "train": CONFIG["devices"]}.get(rule, 1)
    return {**CONFIG["resources"][rule], "gpu": gpus * ON_GPU}


# What of the configuration changes no result. `python` in the rules is the one that runs Snakemake,
# also where its environment is not active.
SETTINGS = {
    PARENT: os.getpid(),
    **environment(CONFIG, Path(RUN)),
    **({"CUDA_VISIBLE_DEVICES": ",".join(GPUS)} if GPUS else {}),
}
exported = " ".join(f"{name}={quote(str(value))}" for name, value in SETTINGS.items())
exported += f' PATH={quote(os.path.dirname(sys.executable))}:"$PATH"'
exported = exported.replace("{", "{{").replace("}", "}}")  # Snakemake fills in the prefix

shell.prefix(f"set -euo pipefail; export {exported}; ")
