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
            **values(jobs.score(CONFIG, problem, rows)),
        shell:
            "python -m workflow score {params.spec:q} {output.first:q} {input.images:q}"
            " {input.measurements:q} {input.reconstructions:q} 2>&1 | tee {log:q}"


rule collect_scores:
    input:
        scores_of(ALL_TABLES),
    output:
        f"{RUN}/images.csv",
    log:
        f"{RUN}/logs/collect.log",
    conda:
        "../../environment.yml"
    params:
        **values(shown_by.bare("collect")),
    shell:
        "python -m workflow collect {params.spec:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule table:
    input:
        local("results/published/padis_neurips2024.csv"),
        scores=lambda w: scores_of([w.table]),
    output:
        csv=report(
            f"{RUN}/tables/{{table}}.csv",
            caption="../show/captions/table.rst",
            category="Tables",
            labels={"table": "{table}", "what": "scores"},
        ),
        cost=report(
            f"{RUN}/tables/{{table}}_cost.csv",
            caption="../show/captions/cost.rst",
            category="Tables",
            labels={"table": "{table}", "what": "cost"},
        ),
        others=multiext(f"{RUN}/tables/{{table}}", *TEXT_FILES),
    log:
        f"{RUN}/logs/table/{{table}}.log",
    wildcard_constraints:
        table=OTHERS["table"],
    priority: lambda w: SOON if w.table in MAIN_TABLES[:1] else 0
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.show(CONFIG, "table", [w.table], w.table)),
    shell:
        "python -m workflow table {params.spec:q} {output.csv:q} {input.scores:q} 2>&1 | tee {log:q}"


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
        "python -m workflow claims {params.spec:q} {output.csv:q} {input:q} 2>&1 | tee {log:q}"


rule metrics:
    input:
        f"{RUN}/images.csv",
    output:
        csv=f"{RUN}/tables/metrics.csv",
        others=multiext(f"{RUN}/tables/metrics", ".md", ".json"),
    log:
        f"{RUN}/logs/table/metrics.log",
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.show(CONFIG, "metrics", MAIN_TABLES)),
    shell:
        "python -m workflow metrics {params.spec:q} {output.csv:q} {input:q} 2>&1 | tee {log:q}"


rule reconstruction_figure:
    input:
        images=lambda w: images_of(w.problem),
        rows=lambda w: [
            f"{RUN}/{part}/{w.problem}/{row}.{suffix}"
            for row in rows_of(CONFIG, w.table)
            for part, suffix in (("reconstructions", "npz"), ("scores", "csv"))
        ],
    output:
        report(
            f"{RUN}/figures/{{table}}/{{problem}}.png",
            caption="../show/captions/reconstructions.rst",
            category="Reconstructions",
            labels={"table": "{table}", "problem": "{problem}"},
        ),
    log:
        f"{RUN}/logs/figure/{{table}}/{{problem}}.log",
    wildcard_constraints:
        table=OTHERS["table"],
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.figure(CONFIG, w.table)),
    shell:
        "python -m workflow figure {params.spec:q} {output:q} {input.images:q} {input.rows:q}"
        " 2>&1 | tee {log:q}"


rule plot:
    input:
        lambda w: scores_of([w.table]),
    output:
        report(
            f"{RUN}/figures/{{table}}.png",
            caption="../show/captions/plot.rst",
            category="Ablations",
            labels={"plot": "{table}"},
        ),
    log:
        f"{RUN}/logs/figure/{{table}}.log",
    wildcard_constraints:
        table="|".join(PLOTTED) or "-",
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.show(CONFIG, "plot", [w.table], w.table)),
    shell:
        "python -m workflow plot {params.spec:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule budget_plot:
    input:
        lambda w: scores_of([w.table]),
    output:
        report(
            f"{RUN}/figures/{{table}}.png",
            caption="../show/captions/plot.rst",
            category="Quality against cost",
            labels={"plot": "{table}"},
        ),
    log:
        f"{RUN}/logs/figure/{{table}}.log",
    wildcard_constraints:
        table="|".join(SWEPT) or "-",
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.show(CONFIG, "budget", [w.table], w.table)),
    shell:
        "python -m workflow budget {params.spec:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule training_table:
    input:
        cards=[f"{folder}/card.json" for folder in trained(ALL_TABLES)],
        curves=[f"{folder}/validation.csv" for folder in trained(ALL_TABLES)],
    output:
        csv=f"{RUN}/tables/training.csv",
        others=multiext(f"{RUN}/tables/training", ".md", ".json"),
    log:
        f"{RUN}/logs/table/training.log",
    conda:
        "../../environment.yml"
    params:
        **values(shown_by.bare("training")),
    shell:
        "python -m workflow training {params.spec:q} {output.csv:q} {input:q} 2>&1 | tee {log:q}"


rule training_figure:
    input:
        cards=[f"{folder}/card.json" for folder in trained(MAIN_TABLES)],
        curves=[f"{folder}/validation.csv" for folder in trained(MAIN_TABLES)],
    output:
        f"{RUN}/figures/training.png",
    log:
        f"{RUN}/logs/figure/training.log",
    conda:
        "../../environment.yml"
    params:
        **values(shown_by.bare("validation")),
    shell:
        "python -m workflow validation {params.spec:q} {output:q} {input:q} 2>&1 | tee {log:q}"
