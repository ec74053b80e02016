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
        spec=lambda w: spec(shown_by.run_card(CONFIG)),
    shell:
        "python -m workflow run_card {params.spec} {output} {input} 2>&1 | tee {log}"


rule report:
    input:
        lambda w: [str(path) for path in page_files(shown_by.page(CONFIG).settings, Path(RUN))],
        card=f"{RUN}/run.json",
        shown=lambda w: parts_of_the_page(),
        templates=[f"workflow/show/templates/{name}" for name in TEMPLATES],
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
        spec=lambda w: spec(shown_by.page(CONFIG)),
    shell:
        "python -m workflow report {params.spec} {output} {input.card} {input.shown} 2>&1 | tee {log}"
