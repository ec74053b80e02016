# Which files are whose: of datasets and networks, of tables, of the targets.
from functools import cache

from snakemake.cli import get_argument_parser

from problems.datasets.sources import SOURCES, stored
from workflow.plugins.discovery import load
from workflow.plugins.params import nearest
from workflow.show.contents import page_files, score_files

DOWNLOADS = f"{CONFIG['cache']}/downloads"
GENERATION = CONFIG.get("generation")
ALL_TABLES = [table for table in TABLES if not TABLES[table]["extra"]]
ABLATIONS = [table for table in TABLES if TABLES[table]["ablation"]]
MAIN_TABLES = list(main_tables(CONFIG))
LEDGERS = {"": ALL_TABLES, "ablation_": ABLATIONS}  # of claims
SWEPT = [table for table in TABLES if "sweep" in TABLES[table]]
SAMPLED, SAMPLED_TABLES = sampled_problems(CONFIG), sampled_tables(CONFIG)  # sampled.smk
OTHERS = "|".join(p for p in CONFIG["problems"] if p not in SAMPLED) or "-"


wildcard_constraints:
    split="train|validation|test",
    finer=r"(\.x\d+)?",
    dataset="|".join(CONFIG["datasets"]),
    fold="|".join(fold for dataset in CONFIG["datasets"] for fold in folds_of(CONFIG, dataset)),
    problem="|".join(CONFIG["problems"]),
    network="|".join(CONFIG["networks"]),
    row="|".join(CONFIG["rows"]),
    prior="|".join(CONFIG["priors"]),
    table="|".join(CONFIG["tables"]),


def images_of(problem, split="test"):
    return f"{RUN}/data/{CONFIG['problems'][problem]['dataset']}/{split}.npy"


def measured_of(problem, split="test"):
    """The images on the grid on which they are measured, which may be finer."""
    grid = CONFIG["problems"][problem]["grid"]
    images = images_of(problem, split)
    return images.replace(".npy", f".x{grid}.npy") if grid > 1 else images


def downloads_of(dataset):
    source = load("dataset", CONFIG["datasets"][dataset]["source"])
    return [str(stored(name, DOWNLOADS)) for name in source.downloads]


@cache
def network_folder(name):
    """Where all runs share the network ``name``: ct/patch, or ct/1/patch of the first fold."""
    return JOBS.network_folder(*name.rsplit("/", 1))


def weights_of(problem, row):
    """Weights of every fold, or the files of a network that was not trained here."""
    names = networks_for(CONFIG, problem, row)
    return JOBS.foreign_files(row) + [f"{network_folder(n)}/weights.safetensors" for n in names]


def scores_of(tables):
    return [str(path) for path in score_files(CONFIG, Path(RUN), tables)]


def trained(tables):
    """Folder of every network that a row of tables needs."""
    return [network_folder(name) for name in networks_shown(CONFIG, tables)]


def scored_together():
    """(problem, first table that shows them) to rows."""
    first, groups = {}, {}
    for table in [table for table in TABLES if table not in SAMPLED_TABLES]:
        for problem, row in shown(CONFIG, [table]):
            if first.setdefault((problem, row), table) == table:
                groups.setdefault((problem, table), []).append(row)
    return groups


# The main table is made first, of what it needs the networks before the rows, and downloads before
# all. Of the rest networks come before rows.
REST, NETWORKS, SOON, SOONEST = 0, 1, 2, 3
FIRST = {*shown(CONFIG, MAIN_TABLES[:1]), *trained(MAIN_TABLES[:1])}


def soon(needed, otherwise=REST):
    return SOON + (otherwise == NETWORKS) if needed in FIRST else otherwise


def first_problem(problem):
    """The priority of what is made once per problem."""
    return SOONEST if any(problem == first for first, _ in shown(CONFIG, MAIN_TABLES[:1])) else REST


def templates(page):
    """What a page is filled into."""
    parts = [page, "base.html.j2", "gallery.html.j2", "page.css", "page.js"]
    return [local(f"workflow/show/templates/{name}") for name in parts]


def is_plotted(table):
    """Whether a table has a figure of its numbers, beside those of its reconstructions."""
    return "plot" in TABLES[table] or "sweep" in TABLES[table]


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
        *(str(path) for table in ALL_TABLES for path in getattr(rules, table).output),
        *(f"{RUN}/tables/{name}.csv" for name in tables),
        *(f"{RUN}/figures/{name}.png" for name in figures),
    ]


def parts_of_the_page():
    """Tables and figures on the page besides the leaderboard, of what ``all`` makes."""
    names = [*ABLATIONS, *SWEPT, "generation", "training", "metrics", "claims"]
    made = results()
    tables = [name for name in names if f"{RUN}/tables/{name}.csv" in made]
    figures = [f"{RUN}/figures/{name}.png" for name in tables]
    return [
        *(f"{RUN}/tables/{name}.json" for name in tables),
        *(path for path in figures if path in made),
        *(f"{RUN}/tables/{name}.csv" for name in tables if name == "claims"),
    ]


def files_of_page(tables):
    return [str(path) for path in page_files(shown_by.page(CONFIG, tables).settings, Path(RUN))]


def check_targets():
    """End with a line that names the targets if the command line has another one."""
    if not (workflow.is_main_process and "snakemake" in sys.argv[0]):
        return
    names = ["all", *TABLES, "ablations", "generation", "tune"]
    for target in get_argument_parser().parse_args(sys.argv[1:]).targets:
        if target not in [*names, *(known.name for known in workflow.rules)] and "/" not in target:
            hint = nearest(target, names).split("; known")[0]
            sys.exit(f"error: unknown target {target!r}{hint}; targets are {', '.join(names)}")


def fold_of(w):
    """The fold that the number in the name of a network's folder means."""
    return f"{w.dataset}/{w.number}" if CONFIG["datasets"][w.dataset]["folds"] > 1 else w.dataset
