# The validated configuration and helpers that the rules share.
import json
import os
from shutil import which

from problems.datasets.sources import SOURCES, stored
from workflow.run import locks
from workflow.store.failures import forget, last_lines
from workflow.config.resolve import (
    ASSEMBLIES,
    CONTROLS,
    VALIDATION,
    ConfigError,
    digest,
    images_of,
    is_dry,
    network_for,
    operator_of,
    params_of,
    prior_of,
    resolve,
    rows_of,
    searched,
    searches,
    trials_of,
)
from workflow.store.files import write_text
from workflow.store.fingerprint import fingerprint
from workflow.config.spec import code_of
from workflow.plugins.params import PluginError
from workflow.plugins.discovery import find

try:
    CONFIG = resolve(config)
except (ConfigError, PluginError) as error:
    sys.exit(f"error: {error}")

RUN = f"results/{CONFIG['name']}"
TABLES = CONFIG["tables"]
ALL_TABLES = [table for table in TABLES if not TABLES[table]["extra"]]
ABLATIONS = [table for table in ALL_TABLES if TABLES[table]["ablation"]]
MAIN_TABLES = [table for table in ALL_TABLES if table not in ABLATIONS]
TRIALS = "oracle" if CONFIG["tuning"]["split"] == "test" else "tuning"
TEXT_FILES = (".md", ".tex", "_cost.md")
TABLE_FILES = (".csv", "_cost.csv", *TEXT_FILES)
TEMPLATES = ["base.html.j2", "index.html.j2", "gallery.html.j2", "page.css", "page.js"]
DOWNLOADS = f"{CONFIG['cache']}/downloads"

# Jobs read the resolved configuration from this file. Rules name it as `ancient`: what a job needs
# of it stands in the rule's params, so that a change reruns what it concerns.
SETTINGS = f"{RUN}/config.json"
if workflow.is_main_process and not is_dry(sys.argv):
    locks.join(recover=True)
    if not any((locks.STATE / "locks").glob("*")):  # no other Snakemake works here
        forget(RUN)
if workflow.is_main_process and not (is_dry(sys.argv) and os.path.exists(SETTINGS)):
    write_text(SETTINGS, json.dumps(CONFIG, indent=1) + "\n")

# `python` in the rules is the one that runs Snakemake, also where its environment is not active.
shell.prefix(
    f"set -euo pipefail; export {locks.PARENT}={os.getpid()};"
    f' export PATH="{os.path.dirname(sys.executable)}:$PATH"; '
)

# One job at a time on a GPU; on a cluster the executor places them.
ON_GPU = CONFIG["device"] == "cuda" or (CONFIG["device"] == "auto" and bool(which("nvidia-smi")))
THREADS = (
    max(CONFIG["threads"], workflow.resource_settings.cores or 1) if ON_GPU else CONFIG["threads"]
)


wildcard_constraints:
    split="train|validation|test",
    dataset="|".join(CONFIG["datasets"]),
    problem="|".join(CONFIG["problems"]),
    network="|".join(CONFIG["networks"]),
    row="|".join(CONFIG["rows"]),
    prior="|".join(CONFIG["priors"]),
    table="|".join(CONFIG["tables"]),


def family(problem):
    return find("problem", CONFIG["problems"][problem]["family"]).module


def weights_for(problem, row):
    """The weights that a row needs on a problem, or nothing."""
    needed = network_for(CONFIG, problem, row)
    return weights_of(*needed) if needed else []


def weights_of(dataset, network):
    return f"{RUN}/networks/{dataset}/{network}/weights.safetensors"


def settings_of(problem, row):
    """What of the configuration a reconstruction depends on."""
    settings, prior = CONFIG["rows"][row], prior_of(CONFIG, row)
    chosen = [settings["method"], params_of(settings, problem), prior, operator_of(CONFIG, problem)]
    repeats = CONFIG["problems"][problem]["repeats"]
    chosen += [repeats] if repeats > 1 else []
    return digest([CONFIG["seed"], CONFIG["precision"], CONFIG["device"], *chosen])


def search_of(problem, row):
    """What of the configuration a search depends on: not on what an earlier one has found."""
    search = CONFIG["rows"][row]["search"]
    fixed = {
        name: value
        for name, value in params_of(CONFIG["rows"][row], problem).items()
        if name not in search
    }
    prior = prior_of(CONFIG, row)
    how = [CONFIG["tuning"][key] for key in ("images", "split", "margin")]
    how.append(trials_of(CONFIG, row))
    return digest([CONFIG["seed"], fixed, search, prior, operator_of(CONFIG, problem), how])


def trained(tables):
    """Folder of every network that a row of ``tables`` needs."""
    rows = [(p, r) for t in tables for p in TABLES[t]["problems"] for r in TABLES[t]["rows"]]
    needed = {network_for(CONFIG, *row) for row in rows} - {None}
    return [f"{RUN}/networks/{dataset}/{network}" for dataset, network in sorted(needed)]


def scores_of(table):
    return [f"{RUN}/scores/{table}/{problem}.csv" for problem in TABLES[table]["problems"]]


def test_images(problem):
    return f"{RUN}/data/{CONFIG['problems'][problem]['dataset']}/test.npz"


def downloads_of(dataset):
    source = find("dataset", CONFIG["datasets"][dataset]["source"])
    return [str(stored(name, DOWNLOADS)) for name in source.attributes.get("downloads", ())]


def parts_of(tables):
    """Tables, their plots and the reconstructions of their rows on each problem."""
    figures = [table for table in tables if {"plot", "sweep"} & set(TABLES[table])]
    figures += [f"{table}/{problem}" for table in tables for problem in TABLES[table]["problems"]]
    return [
        *(f"{RUN}/tables/{table}{kind}" for table in tables for kind in TABLE_FILES),
        *(f"{RUN}/figures/{name}.png" for name in figures),
    ]


def results():
    """Everything that the target `all` makes."""
    names = ["claims.csv", "claims.md", "numbers.csv"] if ALL_TABLES else []
    names += ["metrics.csv", "metrics.md"] if MAIN_TABLES else []
    names += ["training.csv", "training.md"] if trained(ALL_TABLES) else []
    names += ["generation.csv", "generation.md"] if GENERATION else []
    figures = ["training.png"] if trained(MAIN_TABLES) else []
    figures += ["generation.png"] if GENERATION else []
    return [
        *([f"{RUN}/images.csv"] if ALL_TABLES else []),
        *parts_of(ALL_TABLES),
        *(f"{RUN}/tables/{name}" for name in names),
        *(f"{RUN}/figures/{name}" for name in figures),
    ]
