# What belongs to which table, and what the targets are made of.
from snakemake.cli import get_argument_parser

from workflow.plugins.params import nearest

GENERATION = CONFIG.get("generation")
ALL_TABLES = [table for table in TABLES if not TABLES[table]["extra"]]
ABLATIONS = [table for table in ALL_TABLES if TABLES[table]["ablation"]]
MAIN_TABLES = [table for table in ALL_TABLES if table not in ABLATIONS]
PLOTTED = [table for table in TABLES if "plot" in TABLES[table]]
SWEPT = [table for table in TABLES if "sweep" in TABLES[table]]
TEXT_FILES = (".md", ".json", ".tex", "_cost.md")
TEMPLATES = ["base.html.j2", "index.html.j2", "gallery.html.j2", "page.css", "page.js"]


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


def check_targets():
    """End with a line that names the targets if the command line has another one."""
    if not (workflow.is_main_process and "snakemake" in sys.argv[0]):
        return
    names = ["all", *TABLES, "ablations", "generation", "tune"]
    for target in get_argument_parser().parse_args(sys.argv[1:]).targets:
        if target not in [*names, *(made.name for made in workflow.rules)] and "/" not in target:
            hint = nearest(target, names).split("; known")[0]
            sys.exit(f"error: unknown target {target!r}{hint}; targets are {', '.join(names)}")


def failures():
    """What is said at the end of failed rows, which stop nothing else."""
    records = [f"{RUN}/reconstructions/{problem}/{row}.json" for problem, row in shown(TABLES)]
    return last_lines(RUN, records)
