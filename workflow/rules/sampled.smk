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
        **values(lambda w: sampled.sample(CONFIG, w.problem, w.row)),
    shell:
        "python -m workflow sample {params.spec:q} {output.images:q} {input.test:q} {input.validation:q}"
        " {input.measurements:q} {input.weights:q} --threads {threads} 2>&1 | tee {log:q}"


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
        **values(lambda w: shown_by.show(CONFIG, "samples", [w.table], w.table)),
    shell:
        "python -m workflow samples {params.spec:q} {output.csv:q} {input:q} 2>&1 | tee {log:q}"


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
        **values(lambda w: shown_by.show(CONFIG, "maps", [w.table], w.table)),
    shell:
        "python -m workflow maps {params.spec:q} {output:q} {input.images:q} {input.rows:q}"
        " 2>&1 | tee {log:q}"


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
        **values(lambda w: shown_by.show(CONFIG, "sample_page", [w.table], w.table)),
    shell:
        "python -m workflow sample_page {params.spec:q} {output:q} {input.table:q} {input.curves:q}"
        " 2>&1 | tee {log:q}"
