# What the run was made with, and the page about it.


rule report:
    input:
        lambda w: files_of_page(list(TABLES)),
        lambda w: results(),
        shown=lambda w: parts_of_the_page(),
        templates=templates("index.html.j2"),
    output:
        page=reported(
            f"{RUN}/report/index.html",
            *("page", "Report"),
            page="everything on one page",
        ),
        card=f"{RUN}/run.json",
    log:
        f"{RUN}/logs/report.log",
    params:
        **values(lambda w: shown_by.page(CONFIG, list(TABLES), ASKED)),
    shell:
        "python -m workflow report {params.spec:q} {output.page:q} {input.shown:q} &> {log:q}"


# The main table is made first and has a page of its own from then on.
rule main_table_page:
    input:
        lambda w: files_of_page(MAIN_TABLES[:1]),
        templates("index.html.j2"),
    output:
        f"{RUN}/report/main_table.html",
    log:
        f"{RUN}/logs/main_table.log",
    priority: SOON
    params:
        **values(lambda w: shown_by.page(CONFIG, MAIN_TABLES[:1])),
    shell:
        "python -m workflow report {params.spec:q} {output:q} &> {log:q}"


# The card of a method, which `python -m workflow card` asks for: it and its table have one name. The
# rows that it is compared with are taken as they are.
rule method_card:
    input:
        lambda w: scores_of([w.table]),
        templates("card.html.j2"),
    output:
        f"{RUN}/cards/{{table}}.html",
    log:
        f"{RUN}/logs/cards/{{table}}.log",
    params:
        **values(lambda w: shown_by.show(CONFIG, "method_card", [*MAIN_TABLES, w.table], w.table)),
    shell:
        "python -m workflow method_card {params.spec:q} {output:q} &> {log:q}"
