# Regenerates the tables of PaDIS (NeurIPS 2024). Run `snakemake --cores all`.
#
# Choose a preset with `--config preset=smoke`, or lay your own file over one with
# `--configfile my.yaml` (its key `preset` names the base, `name` the results folder).
import sys

from snakemake.utils import min_version

sys.path.insert(0, workflow.basedir)

min_version("9.0")


# One file per stage, in the order in which an image passes through them.
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/evaluate.smk"


rule all:
    default_target: True
    input:
        f"{RUN}/images.csv",
        collect("{run}/tables/{table}.md", run=RUN, table=CONFIG["tables"]),
        collect("{run}/figures/{problem}.png", run=RUN, problem=PROBLEMS),
        f"{RUN}/figures/training.png" if networks_needed() else [],


# One target per table, with the figures of its problems: `snakemake --cores all table1`.
for name in CONFIG["tables"]:

    rule:
        name:
            name
        input:
            f"{RUN}/tables/{name}.md",
            collect(
                "{run}/figures/{problem}.png", run=RUN, problem=CONFIG["tables"][name]["problems"]
            ),
