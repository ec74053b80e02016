# Scores, tables and figures.


# Rows that the same tables show are scored together: a job of its own for each would take longer
# to start than to run.
for number, ((problem, *_), names) in enumerate(scored_together().items(), start=1):
    found = reconstructions_of((problem, row) for row in names)

    rule:
        name:
            f"score_{problem}_{number}"  # names of rows could make two that are the same
        input:
            images=images_of(problem),
            measurements=f"{RUN}/measurements/{problem}.npz",
            reconstructions=found,
            records=[path.replace(".npz", ".json") for path in found],
        output:
            first=f"{RUN}/scores/{problem}/{names[0]}.csv",
            others=[f"{RUN}/scores/{problem}/{row}.csv" for row in names[1:]],
        log:
            f"{RUN}/logs/score/{problem}/{names[0]}.log",
        priority: soon((problem, names[0]))
        params:
            **values(JOBS.score(problem, names)),
        shell:
            "python -m workflow score {params.spec:q} {output.first:q} {input.images:q}"
            " {input.measurements:q} {input.reconstructions:q} &> {log:q}"


# One rule per table, which is also its target: `snakemake --cores all table1`.
for name in TABLES:
    command = "samples" if name in SAMPLED_TABLES else "table"
    others = templates("samples.html.j2") if name in SAMPLED_TABLES else []

    rule:
        name:
            name
        input:
            [] if others else local("results/published/padis_neurips2024.csv"),
            scores_of([name]),
            [images_of(problem) for problem in TABLES[name]["problems"]],
            reconstructions_of(shown(CONFIG, [name])),
            others,
        output:
            csv=outputs(name)[0],
            others=outputs(name)[1:],
        log:
            f"{RUN}/logs/table/{name}.log",
        priority: SOON if name in MAIN_TABLES[:1] else 0
        params:
            **values(shown_by.show(CONFIG, command, [name], name)),
            command=command,  # a name in the command itself has the value of the last table
        shell:
            "python -m workflow {params.command} {params.spec:q} {output.csv:q} &> {log:q}"


rule ablations:
    input:
        [getattr(rules, table).output for table in ABLATIONS],
        [f"{RUN}/tables/ablation_claims.csv"] if ABLATIONS else [],


rule claims:
    input:
        lambda w: [f"{RUN}/tables/{table}.csv" for table in LEDGERS[w.part]],
    output:
        csv=reported(
            f"{RUN}/tables/{{part}}claims.csv",
            *("claims", "Claims"),
            table="{part}claims",
            what="orders",
        ),
        numbers=reported(
            f"{RUN}/tables/{{part}}numbers.csv",
            *("claims", "Claims"),
            table="{part}claims",
            what="numbers",
        ),
        others=multiext(f"{RUN}/tables/{{part}}claims", ".md", ".json"),
    log:
        f"{RUN}/logs/table/{{part}}claims.log",
    wildcard_constraints:
        part="|".join(LEDGERS),
    params:
        **values(lambda w: shown_by.show(CONFIG, "claims", LEDGERS[w.part])),
    shell:
        "python -m workflow claims {params.spec:q} {output.csv:q} {input:q} &> {log:q}"


# All scores in one table, and how the ranking depends on the metric.
rule metrics:
    input:
        scores_of(ALL_TABLES),
    output:
        images=f"{RUN}/images.csv",
        tables=multiext(f"{RUN}/tables/metrics", ".csv", ".md", ".json") if MAIN_TABLES else [],
    log:
        f"{RUN}/logs/table/metrics.log",
    params:
        **values(lambda w: shown_by.show(CONFIG, "metrics", MAIN_TABLES)),
    shell:
        "python -m workflow metrics {params.spec:q} {output.images:q} {input:q} &> {log:q}"


rule training:
    input:
        [f"{folder}/card.json" for folder in trained(ALL_TABLES)],
        [f"{folder}/validation.csv" for folder in trained(ALL_TABLES)],
    output:
        csv=f"{RUN}/tables/training.csv",
        others=multiext(f"{RUN}/tables/training", ".md", ".json"),
        figure=[f"{RUN}/figures/training.png"] if trained(MAIN_TABLES) else [],
    log:
        f"{RUN}/logs/table/training.log",
    params:
        **values(shown_by.training([Path(folder).name for folder in trained(MAIN_TABLES)])),
        folders=trained(ALL_TABLES),
    shell:
        "python -m workflow training {params.spec:q} {output.csv:q} {params.folders:q} &> {log:q}"
