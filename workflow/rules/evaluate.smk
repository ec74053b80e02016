# Scores, tables and figures.


rule score:
    input:
        images=lambda w: test_images(w.problem),
        measurements=f"{RUN}/measurements/{{problem}}.npz",
        reconstructions=lambda w: collect(
            "{run}/reconstructions/{problem}/{row}.{kind}",
            run=RUN,
            problem=w.problem,
            row=rows_of(CONFIG, w.table),
            kind=["npz", "json"],
        ),
        config=ancient(SETTINGS),
    output:
        f"{RUN}/scores/{{table}}/{{problem}}.csv",
    log:
        f"{RUN}/logs/score/{{table}}/{{problem}}.log",
    conda:
        "../../environment.yml"
    params:
        code=fingerprint("workflow.score.metrics"),
        folder=lambda w: f"{RUN}/reconstructions/{w.problem}",
    shell:
        "python -m workflow score {wildcards.table} {wildcards.problem} --config {input.config} --images {input.images}"
        " --measurements {input.measurements} --reconstructions {params.folder}"
        " --out {output} 2>&1 | tee {log}"


rule collect_scores:
    input:
        [path for table in ALL_TABLES for path in scores_of(table)],
    output:
        f"{RUN}/images.csv",
    log:
        f"{RUN}/logs/collect.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m workflow collect {input} --out {output} 2>&1 | tee {log}"


rule table:
    input:
        "results/published/padis_neurips2024.csv",
        scores=lambda w: scores_of(w.table),
        config=ancient(SETTINGS),
    output:
        report(
            f"{RUN}/tables/{{table}}.csv",
            caption="../show/captions/table.rst",
            category="Tables",
            labels={"table": "{table}", "what": "scores"},
        ),
        report(
            f"{RUN}/tables/{{table}}_cost.csv",
            caption="../show/captions/cost.rst",
            category="Tables",
            labels={"table": "{table}", "what": "cost"},
        ),
        collect("{run}/tables/{{table}}{kind}", run=RUN, kind=TEXT_FILES),
    log:
        f"{RUN}/logs/table/{{table}}.log",
    conda:
        "../../environment.yml"
    params:
        settings=lambda w: digest([CONFIG["tables"][w.table], CONFIG["problems"], CONFIG["rows"]]),
        code=fingerprint(
            "workflow.show.tables", "workflow.score.summary", "workflow.score.published", "workflow.show.protocol"
        ),
        folder=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow table {wildcards.table} --config {input.config} --scores {input.scores} --out {params.folder}"
        " 2>&1 | tee {log}"


rule claims:
    input:
        tables=collect("{run}/tables/{table}.csv", run=RUN, table=ALL_TABLES),
        config=ancient(SETTINGS),
    output:
        report(
            f"{RUN}/tables/claims.csv",
            caption="../show/captions/claims.rst",
            category="Claims",
            labels={"table": "claims", "what": "orders"},
        ),
        report(
            f"{RUN}/tables/numbers.csv",
            caption="../show/captions/claims.rst",
            category="Claims",
            labels={"table": "claims", "what": "numbers"},
        ),
        f"{RUN}/tables/claims.md",
    log:
        f"{RUN}/logs/table/claims.log",
    conda:
        "../../environment.yml"
    params:
        settings=digest([CONFIG["differs"], CONFIG["problems"], CONFIG["rows"]]),
        code=fingerprint("workflow.show.claims"),
        folder=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow claims {input.tables} --config {input.config} --out {params.folder} 2>&1 | tee {log}"


rule metrics:
    input:
        scores=f"{RUN}/images.csv",
        config=ancient(SETTINGS),
    output:
        collect("{run}/tables/metrics.{kind}", run=RUN, kind=["csv", "md"]),
    log:
        f"{RUN}/logs/table/metrics.log",
    conda:
        "../../environment.yml"
    params:
        settings=digest([TABLES, CONFIG["problems"], CONFIG["rows"]]),
        code=fingerprint("workflow.show.ranking", "workflow.score.ranking"),
        tables=MAIN_TABLES,
        folder=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow metrics {params.tables} --config {input.config} --scores {input.scores}"
        " --out {params.folder} 2>&1 | tee {log}"


rule reconstruction_figure:
    input:
        images=lambda w: test_images(w.problem),
        scores=f"{RUN}/scores/{{table}}/{{problem}}.csv",
        config=ancient(SETTINGS),
    output:
        report(
            f"{RUN}/figures/{{table}}/{{problem}}.png",
            caption="../show/captions/reconstructions.rst",
            category="Reconstructions",
            labels={"table": "{table}", "problem": "{problem}"},
        ),
    log:
        f"{RUN}/logs/figure/{{table}}/{{problem}}.log",
    conda:
        "../../environment.yml"
    params:
        settings=lambda w: digest([CONFIG["figures"], CONFIG["rows"], TABLES[w.table]]),
        code=fingerprint("workflow.show.figures"),
        folder=lambda w: f"{RUN}/reconstructions/{w.problem}",
    shell:
        "python -m workflow figure {wildcards.table} {wildcards.problem} --config {input.config} --images {input.images}"
        " --scores {input.scores} --reconstructions {params.folder} --out {output} 2>&1 | tee {log}"


rule plot:
    input:
        scores=lambda w: scores_of(w.table),
        config=ancient(SETTINGS),
    output:
        report(
            f"{RUN}/figures/{{table}}.png",
            caption="../show/captions/plot.rst",
            category="Ablations",
            labels={"plot": "{table}"},
        ),
    log:
        f"{RUN}/logs/figure/{{table}}.log",
    conda:
        "../../environment.yml"
    params:
        settings=lambda w: digest([CONFIG["tables"][w.table], CONFIG["problems"], CONFIG["rows"]]),
        code=fingerprint("workflow.show.plots", "workflow.show.budget"),
    shell:
        "python -m workflow plot {wildcards.table} --config {input.config} --scores {input.scores} --out {output}"
        " 2>&1 | tee {log}"


rule training_table:
    input:
        cards=collect("{network}/card.json", network=trained(ALL_TABLES)),
        curves=collect("{network}/validation.csv", network=trained(ALL_TABLES)),
    output:
        collect("{run}/tables/training.{kind}", run=RUN, kind=["csv", "md"]),
    log:
        f"{RUN}/logs/table/training.log",
    conda:
        "../../environment.yml"
    params:
        code=fingerprint("workflow.show.training"),
        folder=lambda w, output: os.path.dirname(output[0]),
    shell:
        "python -m workflow training {input.cards} --out {params.folder} 2>&1 | tee {log}"


rule training_figure:
    input:
        collect("{network}/validation.csv", network=trained(MAIN_TABLES)),
    output:
        f"{RUN}/figures/training.png",
    log:
        f"{RUN}/logs/figure/training.log",
    conda:
        "../../environment.yml"
    params:
        code=fingerprint("workflow.show.plots"),
    shell:
        "python -m workflow validation {input} --out {output} 2>&1 | tee {log}"


rule run_card:
    input:
        results=lambda w: results(),
        config=ancient(SETTINGS),
    output:
        f"{RUN}/run.json",
    log:
        f"{RUN}/logs/card.log",
    conda:
        "../../environment.yml"
    params:
        settings=digest(CONFIG),
        code=fingerprint("workflow.__main__"),
    shell:
        "python -m workflow run_card {input.results} --config {input.config} --code {params.code} --out {output} 2>&1"
        " | tee {log}"
