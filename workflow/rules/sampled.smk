# Posteriors on real images: samples of rows on problems with `samples`, their scores and maps.
rule sample:
    input:
        test=lambda w: images_of(w.problem),
        validation=lambda w: images_of(w.problem, "validation"),
        measurements=f"{RUN}/measurements/{{problem}}.npz",
        weights=lambda w: weights_of(networks_for(CONFIG, w.problem, w.row)),
    output:
        images=f"{RUN}/reconstructions/{{problem}}/{{row}}.npz",
        record=f"{RUN}/reconstructions/{{problem}}/{{row}}.json",
        scores=f"{RUN}/scores/{{problem}}/{{row}}.csv",
    log:
        f"{RUN}/logs/reconstruct/{{problem}}/{{row}}.log",
    benchmark:
        f"{RUN}/benchmarks/reconstruct/{{problem}}/{{row}}.tsv"
    wildcard_constraints:
        problem="|".join(SAMPLED) or "-",
    conda:
        "../../environment.yml"
    threads: THREADS
    resources:
        **needs("reconstruct"),
    params:
        spec=lambda w: spec(sampled.sample(CONFIG, w.problem, w.row)),
    shell:
        "python -m workflow sample {params.spec} {output.images} {input.test} {input.validation}"
        " {input.measurements} {input.weights} --threads {threads} 2>&1 | tee {log}"


rule sample_table:
    input:
        lambda w: scores_of([w.table]),
    output:
        csv=report(
            f"{RUN}/tables/{{table}}.csv",
            caption="../show/captions/samples.rst",
            category="Posteriors on real images",
            labels={"table": "{table}", "what": "scores"},
        ),
        others=multiext(f"{RUN}/tables/{{table}}", *SAMPLE_FILES),
        figure=report(
            f"{RUN}/figures/{{table}}.png",
            caption="../show/captions/samples.rst",
            category="Posteriors on real images",
            labels={"table": "{table}", "what": "ranks and coverage"},
        ),
    log:
        f"{RUN}/logs/table/{{table}}.log",
    wildcard_constraints:
        table="|".join(SAMPLED_TABLES) or "-",
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: spec(shown_by.show(CONFIG, "samples", [w.table], w.table)),
    shell:
        "python -m workflow samples {params.spec} {output.csv} {input} 2>&1 | tee {log}"


rule sample_maps:
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
            caption="../show/captions/maps.rst",
            category="Posteriors on real images",
            labels={"table": "{table}", "problem": "{problem}"},
        ),
    log:
        f"{RUN}/logs/figure/{{table}}/{{problem}}.log",
    wildcard_constraints:
        table="|".join(SAMPLED_TABLES) or "-",
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: spec(shown_by.show(CONFIG, "maps", [w.table], w.table)),
    shell:
        "python -m workflow maps {params.spec} {output} {input.images} {input.rows}"
        " 2>&1 | tee {log}"


rule sample_page:
    input:
        table=f"{RUN}/tables/{{table}}.json",
        curves=f"{RUN}/figures/{{table}}.png",
        images=lambda w: [images_of(problem) for problem in TABLES[w.table]["problems"]],
        rows=lambda w: [
            f"{RUN}/{part}/{problem}/{row}.{suffix}"
            for problem, row in shown(CONFIG, [w.table])
            for part, suffix in (("reconstructions", "npz"), ("scores", "csv"))
        ],
        templates=templates("samples.html.j2"),
    output:
        report(
            f"{RUN}/report/{{table}}.html",
            caption="../show/captions/maps.rst",
            category="Posteriors on real images",
            labels={"table": "{table}", "what": "pictures and maps, with a slider"},
        ),
    log:
        f"{RUN}/logs/page/{{table}}.log",
    wildcard_constraints:
        table="|".join(SAMPLED_TABLES) or "-",
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: spec(shown_by.show(CONFIG, "sample_page", [w.table], w.table)),
    shell:
        "python -m workflow sample_page {params.spec} {output} {input.table} {input.curves}"
        " 2>&1 | tee {log}"
