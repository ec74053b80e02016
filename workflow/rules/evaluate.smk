# Scores, tables and figures.


# Rows that the same tables show are scored together: a job of its own for each would take longer
# to start than to run.
for number, ((problem, *_), rows) in enumerate(scored_together().items(), start=1):

    rule:
        name:
            f"score_{problem}_{number}"  # names of rows could make two that are the same
        input:
            images=images_of(problem),
            measurements=f"{RUN}/measurements/{problem}.npz",
            reconstructions=[f"{RUN}/reconstructions/{problem}/{row}.npz" for row in rows],
            records=[f"{RUN}/reconstructions/{problem}/{row}.json" for row in rows],
        output:
            first=f"{RUN}/scores/{problem}/{rows[0]}.csv",
            others=[f"{RUN}/scores/{problem}/{row}.csv" for row in rows[1:]],
        log:
            f"{RUN}/logs/score/{problem}/{rows[0]}.log",
        priority: soon((problem, rows[0]))
        conda:
            "../../environment.yml"
        params:
            **values(JOBS.score(problem, rows)),
        shell:
            "python -m workflow score {params.spec:q} {output.first:q} {input.images:q}"
            " {input.measurements:q} {input.reconstructions:q} &> {log:q}"


# One rule per table, which is also its target: `snakemake --cores all table1`.
for name in [name for name in TABLES if name not in SAMPLED_TABLES]:
    problems = TABLES[name]["problems"]

    rule:
        name:
            name
        input:
            local("results/published/padis_neurips2024.csv"),
            scores_of([name]),
            [images_of(problem) for problem in problems],
            [f"{RUN}/reconstructions/{problem}/{row}.npz" for problem, row in shown(CONFIG, [name])],
        output:
            csv=report(
                f"{RUN}/tables/{name}.csv",
                caption="../show/captions/table.rst",
                category="Tables",
                labels={"table": name, "what": "scores"},
            ),
            cost=report(
                f"{RUN}/tables/{name}_cost.csv",
                caption="../show/captions/cost.rst",
                category="Tables",
                labels={"table": name, "what": "cost"},
            ),
            others=multiext(f"{RUN}/tables/{name}", ".md", ".json", ".tex", "_cost.md"),
            reconstructions=report(
                [f"{RUN}/figures/{name}/{problem}.png" for problem in problems],
                caption="../show/captions/reconstructions.rst",
                category="Reconstructions",
                labels={"table": name},
            ),
            plot=report(
                [f"{RUN}/figures/{name}.png"] if is_plotted(name) else [],
                caption="../show/captions/plot.rst",
                category="Plots",
                labels={"table": name},
            ),
        log:
            f"{RUN}/logs/table/{name}.log",
        priority: SOON if name in MAIN_TABLES[:1] else 0
        conda:
            "../../environment.yml"
        params:
            **values(shown_by.show(CONFIG, "table", [name], name)),
        shell:
            "python -m workflow table {params.spec:q} {output.csv:q} &> {log:q}"


rule ablations:
    input:
        [getattr(rules, table).output for table in ABLATIONS],
        [f"{RUN}/tables/ablation_claims.csv"] if ABLATIONS else [],


rule claims:
    input:
        lambda w: [f"{RUN}/tables/{table}.csv" for table in LEDGERS[w.part]],
    output:
        csv=report(
            f"{RUN}/tables/{{part}}claims.csv",
            caption="../show/captions/claims.rst",
            category="Claims",
            labels={"table": "{part}claims", "what": "orders"},
        ),
        numbers=report(
            f"{RUN}/tables/{{part}}numbers.csv",
            caption="../show/captions/claims.rst",
            category="Claims",
            labels={"table": "{part}claims", "what": "numbers"},
        ),
        others=multiext(f"{RUN}/tables/{{part}}claims", ".md", ".json"),
    log:
        f"{RUN}/logs/table/{{part}}claims.log",
    wildcard_constraints:
        part="|".join(LEDGERS),
    conda:
        "../../environment.yml"
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
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.show(CONFIG, "metrics", MAIN_TABLES)),
    shell:
        "python -m workflow metrics {params.spec:q} {output.images:q} {input:q} &> {log:q}"


rule training:
    input:
        cards=[f"{folder}/card.json" for folder in trained(ALL_TABLES)],
        curves=[f"{folder}/validation.csv" for folder in trained(ALL_TABLES)],
    output:
        csv=f"{RUN}/tables/training.csv",
        others=multiext(f"{RUN}/tables/training", ".md", ".json"),
        figure=[f"{RUN}/figures/training.png"] if trained(MAIN_TABLES) else [],
    log:
        f"{RUN}/logs/table/training.log",
    conda:
        "../../environment.yml"
    params:
        **values(shown_by.training([Path(folder).name for folder in trained(MAIN_TABLES)])),
        folders=trained(ALL_TABLES),
    shell:
        "python -m workflow training {params.spec:q} {output.csv:q} {params.folders:q} &> {log:q}"
