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
include: "workflow/rules/targets.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/reconstruct.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/generate.smk"
include: "workflow/rules/exact.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/hooks.smk"


rule all:
    default_target: True
    input:
        [f"{RUN}/report/main_table.html"] if MAIN_TABLES else [],
        f"{RUN}/report/index.html",


# What a cluster's nodes run. The rest takes seconds or needs the internet, and runs beside Snakemake.
ON_NODES = {*CONFIG["resources"], "sample", "exact_scores"}
workflow.localrules(*{rule.name for rule in workflow.rules} - ON_NODES)
for known in workflow.rules:
    known.conda_env = os.path.join(workflow.basedir, "environment.yml")

check_targets()
