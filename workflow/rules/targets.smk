# Which files are whose: of datasets and networks, of tables, of the targets.
from problems.datasets.sources import SOURCES, stored
from workflow.plugins.discovery import find
from workflow.store.failures import last_lines

DOWNLOADS = f"{CONFIG['cache']}/downloads"
GENERATION = CONFIG.get("generation")
ALL_TABLES = [table for table in TABLES if not TABLES[table]["extra"]]
ABLATIONS = [table for table in ALL_TABLES if TABLES[table]["ablation"]]
MAIN_TABLES = [table for table in ALL_TABLES if table not in ABLATIONS]
PLOTTED = [table for table in TABLES if "plot" in TABLES[table]]
SWEPT = [table for table in TABLES if "sweep" in TABLES[table]]
TEXT_FILES = (".md", ".json", ".tex", "_cost.md")
TEMPLATES = ["base.html.j2", "index.html.j2", "gallery.html.j2", "page.css", "page.js"]


def images_of(problem, split="test"):
    return f"{RUN}/data/{CONFIG['problems'][problem]['dataset']}/{split}.npz"


def downloads_of(dataset):
    source = find("dataset", CONFIG["datasets"][dataset]["source"])
    return [str(stored(name, DOWNLOADS)) for name in source.attributes.get("downloads", ())]


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
    figures = [table for table in tables if table in (*PLOTTED, *SWEPT)]
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


def failures():
    """What is said at the end of failed rows, which stop nothing else."""
    records = [f"{RUN}/reconstructions/{problem}/{row}.json" for problem, row in shown(TABLES)]
    return last_lines(RUN, records)
