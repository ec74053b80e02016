# Rows against posteriors that are known exactly. Needs no downloads and no networks.
EXACT = CONFIG.get("exact")

if EXACT:

    wildcard_constraints:
        exact_prior="|".join(EXACT["priors"]),
        exact_problem="|".join(EXACT["problems"]),

    rule exact_images:
        output:
            images=f"{RUN}/exact/train.npy",
            about=multiext(f"{RUN}/exact/train", ".csv", ".json", ".png"),
        log:
            f"{RUN}/logs/exact/train.log",
        params:
            **values(lambda w: JOBS.exact_images()),
        shell:
            "python -m workflow prepare {params.spec:q} {output.images:q} &> {log:q}"

    rule exact_scores:
        input:
            f"{RUN}/exact/train.npy",
        output:
            f"{RUN}/exact/{{exact_prior}}/{{exact_problem}}.csv",
        log:
            f"{RUN}/logs/exact/{{exact_prior}}/{{exact_problem}}.log",
        threads: CONFIG["threads"]
        resources:
            **needs("measure"),
        params:
            **values(lambda w: JOBS.exact(w.exact_prior, w.exact_problem)),
        shell:
            "python -m workflow posterior {params.spec:q} {output:q} {input:q}"
            " --threads {threads} &> {log:q}"

    rule exact:
        input:
            [f"{RUN}/exact/{p}/{q}.csv" for p in EXACT["priors"] for q in EXACT["problems"]],
        output:
            csv=f"{RUN}/tables/exact.csv",
            others=multiext(f"{RUN}/tables/exact", ".md", ".json", "_cost.csv"),
            figure=reported(
                f"{RUN}/figures/exact.png",
                *("exact", "Exact posteriors"),
                figure="distance against evaluations",
            ),
        log:
            f"{RUN}/logs/exact/exact.log",
        params:
            **values(lambda w: shown_by.exact(CONFIG)),
        shell:
            "python -m workflow exact {params.spec:q} {output.csv:q} {input:q} &> {log:q}"
