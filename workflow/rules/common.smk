# The validated configuration and what the rules share. Reading these files writes nothing.
import os
from shutil import which

from problems.datasets.sources import SOURCES, stored
from workflow.config import jobs
from workflow.config.layers import ConfigError
from workflow.config.resolve import CONTROLS, network_for, resolve, rows_of, searched, searches
from workflow.config.spec import save_spec
from workflow.plugins.discovery import find
from workflow.plugins.params import PluginError
from workflow.run.contained import PARENT
from workflow.store.failures import last_lines

try:
    CONFIG = resolve(config)
except (ConfigError, PluginError) as error:
    sys.exit(f"error: {error}")

RUN = f"results/{CONFIG['name']}"
CACHE = f"{CONFIG['cache']}/operators"
DOWNLOADS = f"{CONFIG['cache']}/downloads"
TABLES = CONFIG["tables"]
ALL_TABLES = [table for table in TABLES if not TABLES[table]["extra"]]
ABLATIONS = [table for table in ALL_TABLES if TABLES[table]["ablation"]]
MAIN_TABLES = [table for table in ALL_TABLES if table not in ABLATIONS]
TEXT_FILES = (".md", ".tex", "_cost.md")
TEMPLATES = ["base.html.j2", "index.html.j2", "gallery.html.j2", "page.css", "page.js"]
MINUTES = CONFIG["time_limit_minutes"] or 0  # none

# What a job reads stands in a file that is named by its hash, the only parameter of its rule. The
# files are written when the run starts, by who holds Snakemake's lock.
SPECS = {}


def spec(job):
    SPECS[job.hash] = job
    return job.hash


# `python` in the rules is the one that runs Snakemake, also where its environment is not active.
shell.prefix(
    f"set -euo pipefail; export {PARENT}={os.getpid()};"
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


def images_of(problem, split="test"):
    return f"{RUN}/data/{CONFIG['problems'][problem]['dataset']}/{split}.npz"


def network(dataset, name):
    return f"{RUN}/networks/{dataset}/{name}"


def weights_for(problem, row):
    """The weights that a row needs on a problem, or nothing."""
    needed = network_for(CONFIG, problem, row)
    return f"{network(*needed)}/weights.safetensors" if needed else []


def shown(tables):
    """(problem, row) of all rows and controls of tables, each once."""
    return dict.fromkeys(
        (p, r) for t in tables for p in TABLES[t]["problems"] for r in rows_of(CONFIG, t)
    )


def scores_of(tables):
    return [f"{RUN}/scores/{problem}/{row}.csv" for problem, row in shown(tables)]


def trained(tables):
    """Folder of every network that a row of tables needs."""
    needed = {network_for(CONFIG, *row) for row in shown(tables)} - {None}
    return [network(*names) for names in sorted(needed)]


def scored_together():
    """(problem, tables that show them) to rows."""
    tables, groups = {}, {}
    for table in TABLES:
        for row in shown([table]):
            tables.setdefault(row, []).append(table)
    for (problem, row), names in tables.items():
        groups.setdefault((problem, *names), []).append(row)
    return groups


def parts_of(tables):
    """Tables, their plots and the reconstructions of their rows on each problem."""
    figures = [table for table in tables if {"plot", "sweep"} & set(TABLES[table])]
    figures += [f"{table}/{problem}" for table in tables for problem in TABLES[table]["problems"]]
    kinds = (".csv", "_cost.csv", *TEXT_FILES)
    return [
        *(f"{RUN}/tables/{table}{kind}" for table in tables for kind in kinds),
        *(f"{RUN}/figures/{name}.png" for name in figures),
    ]


def results():
    """Everything that the target `all` makes."""
    tables = ["claims", "numbers"] if ALL_TABLES else []
    tables += ["metrics"] if MAIN_TABLES else []
    tables += ["training"] if trained(ALL_TABLES) else []
    tables += ["generation"] if GENERATION else []
    figures = ["training"] if trained(MAIN_TABLES) else []
    figures += ["generation"] if GENERATION else []
    return [
        *([f"{RUN}/images.csv"] if ALL_TABLES else []),
        *parts_of(ALL_TABLES),
        *(f"{RUN}/tables/{name}.csv" for name in tables),
        *(f"{RUN}/figures/{name}.png" for name in figures),
    ]


def page():
    """What the page shows of reconstructions."""
    rows = shown(MAIN_TABLES)
    return [f"{RUN}/reconstructions/{problem}/{row}.npz" for problem, row in rows]
