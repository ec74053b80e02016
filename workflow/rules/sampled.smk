# Posteriors on real images: samples of rows on problems with `samples`, their scores and maps.
rule sample:
    input:
        test=lambda w: images_of(w.problem),
        validation=lambda w: images_of(w.problem, "validation"),
        measurements=f"{RUN}/measurements/{{problem}}.npz",
        weights=lambda w: weights_of(w.problem, w.row),
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
        **values(lambda w: JOBS.sample(w.problem, w.row)),
    shell:
        "python -m workflow sample {params.spec:q} {output.images:q} {input.test:q} {input.validation:q}"
        " {input.measurements:q} {input.weights:q} --threads {threads} &> {log:q}"


# One rule per table, which is also its target.
for name in SAMPLED_TABLES:
    problems = TABLES[name]["problems"]

    rule:
        name:
            name
        input:
            scores_of([name]),
            [images_of(problem) for problem in problems],
            [f"{RUN}/reconstructions/{problem}/{row}.npz" for problem, row in shown(CONFIG, [name])],
            templates=templates("samples.html.j2"),
        output:
            csv=report(
                f"{RUN}/tables/{name}.csv",
                caption="../show/captions/samples.rst",
                category="Posteriors on real images",
                labels={"table": name, "what": "scores"},
            ),
            others=multiext(f"{RUN}/tables/{name}", ".md", ".json", "_cost.csv"),
            curves=report(
                f"{RUN}/figures/{name}.png",
                caption="../show/captions/samples.rst",
                category="Posteriors on real images",
                labels={"table": name, "what": "ranks and coverage"},
            ),
            maps=report(
                [f"{RUN}/figures/{name}/{problem}.png" for problem in problems]
                + [f"{RUN}/report/{name}.html"],
                caption="../show/captions/maps.rst",
                category="Posteriors on real images",
                labels={"table": name, "what": "pictures and maps"},
            ),
        log:
            f"{RUN}/logs/table/{name}.log",
        conda:
            "../../environment.yml"
        params:
            **values(shown_by.show(CONFIG, "samples", [name], name)),
        shell:
            "python -m workflow samples {params.spec:q} {output.csv:q} &> {log:q}"
