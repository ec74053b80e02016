# Which files are whose: of datasets and networks, of tables, of the targets.
from problems.datasets.sources import stored
from workflow.config.views import (
    main_tables,
    networks_for,
    networks_shown,
    sampled_problems,
    sampled_tables,
    shown,
)
from workflow.plugins.discovery import load
from workflow.show.contents import page_files, score_files

DOWNLOADS = f"{CONFIG['cache']}/downloads"
GENERATION = CONFIG.get("generation")
ALL_TABLES = [table for table in TABLES if not TABLES[table]["extra"]]
ABLATIONS = [table for table in TABLES if TABLES[table]["ablation"]]
MAIN_TABLES = list(main_tables(CONFIG))
LEDGERS = {"": ALL_TABLES, "ablation_": ABLATIONS}  # of claims
SWEPT = [table for table in TABLES if "sweep" in TABLES[table]]
SAMPLED, SAMPLED_TABLES = sampled_problems(CONFIG), sampled_tables(CONFIG)


wildcard_constraints:
    split="train|validation|test",
    finer=r"(\.x\d+)?",
    dataset="|".join(CONFIG["datasets"]),
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


def reconstructions_of(rows):
    """Of (problem, row) each."""
    return [f"{RUN}/reconstructions/{problem}/{row}.npz" for problem, row in rows]


def downloads_of(dataset):
    source = load("dataset", CONFIG["datasets"][dataset]["source"])
    return [str(stored(name, DOWNLOADS)) for name in source.downloads]


def weights_of(problem, row):
    """Weights of every fold, or the files of a network that was not trained here."""
    names = networks_for(CONFIG, problem, row)
    trained = [f"{JOBS.network_folder(name)}/weights.safetensors" for name in names]
    return JOBS.foreign_files(row) + trained


def scores_of(tables):
    return [str(path) for path in score_files(CONFIG, Path(RUN), tables)]


def trained(tables):
    """Folder of every network that a row of tables needs."""
    return [JOBS.network_folder(name) for name in networks_shown(CONFIG, tables)]


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


def results():
    """Everything that the target `all` makes, but for the page."""
    made = {
        "claims": ALL_TABLES,
        "numbers": ALL_TABLES,
        "metrics": MAIN_TABLES,
        "training": trained(ALL_TABLES),
        "generation": GENERATION,
    }
    drawn = {"training": trained(MAIN_TABLES), "generation": GENERATION}
    return [
        *([f"{RUN}/images.csv"] if ALL_TABLES else []),
        *(str(path) for table in ALL_TABLES for path in getattr(rules, table).output),
        *(f"{RUN}/tables/{name}.csv" for name, wanted in made.items() if wanted),
        *(f"{RUN}/figures/{name}.png" for name, wanted in drawn.items() if wanted),
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


def scored_together():
    """(problem, first table that shows them) to rows."""
    first, groups = {}, {}
    for table in [table for table in TABLES if table not in SAMPLED_TABLES]:
        for problem, row in shown(CONFIG, [table]):
            if first.setdefault((problem, row), table) == table:
                groups.setdefault((problem, table), []).append(row)
    return groups


def outputs(table):
    """Files of a table, the first one for its command, and those in Snakemake's report."""
    files, figures = f"{RUN}/tables/{table}", f"{RUN}/figures/{table}"
    pictures = [f"{figures}/{problem}.png" for problem in TABLES[table]["problems"]]
    if table in SAMPLED_TABLES:
        place = "samples", "Posteriors on real images"
        maps = [*pictures, f"{RUN}/report/{table}.html"]
        return [
            reported(f"{files}.csv", *place, table=table, what="scores"),
            *multiext(files, ".md", ".json", "_cost.csv"),
            reported(f"{figures}.png", *place, table=table, what="ranks and coverage"),
            reported(maps, "maps", place[1], table=table, what="pictures and maps"),
        ]
    plotted = "plot" in TABLES[table] or "sweep" in TABLES[table]
    return [
        reported(f"{files}.csv", "table", "Tables", table=table, what="scores"),
        reported(f"{files}_cost.csv", "cost", "Tables", table=table, what="cost"),
        *multiext(files, ".md", ".json", ".tex", "_cost.md"),
        reported(pictures, "reconstructions", "Reconstructions", table=table),
        reported([f"{figures}.png"] if plotted else [], "plot", "Plots", table=table),
    ]


def network_of(w):
    """The network that the name of a folder means: ct/patch, or ct/1/patch of the first fold."""
    several = CONFIG["datasets"][w.dataset]["folds"] > 1
    return f"{w.dataset}/{w.number}/{w.network}" if several else f"{w.dataset}/{w.network}"
