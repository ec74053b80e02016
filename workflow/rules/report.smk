# What the run was made with, and the page about it.


rule run_card:
    input:
        lambda w: results(),
    output:
        f"{RUN}/run.json",
    log:
        f"{RUN}/logs/card.log",
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.run_card(CONFIG)),
    shell:
        "python -m workflow run_card {params.spec:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule report:
    input:
        lambda w: files_of_page(list(TABLES)),
        shown=lambda w: [f"{RUN}/run.json", *parts_of_the_page()],
        templates=templates("index.html.j2"),
    output:
        report(
            f"{RUN}/report/index.html",
            caption="../show/captions/page.rst",
            category="Report",
            labels={"page": "everything on one page"},
        ),
    log:
        f"{RUN}/logs/report.log",
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.page(CONFIG, list(TABLES))),
    shell:
        "python -m workflow report {params.spec:q} {output:q} {input.shown:q} 2>&1 | tee {log:q}"


# The main table is made first and has a page of its own from then on.
rule main_table_page:
    input:
        lambda w: files_of_page(MAIN_TABLES[:1]),
        templates=templates("index.html.j2"),
    output:
        f"{RUN}/report/main_table.html",
    log:
        f"{RUN}/logs/main_table.log",
    priority: SOON
    conda:
        "../../environment.yml"
    params:
        **values(lambda w: shown_by.page(CONFIG, MAIN_TABLES[:1])),
    shell:
        "python -m workflow report {params.spec:q} {output:q} 2>&1 | tee {log:q}"
