# What the run was made with, and the page about it.
from workflow.show.contents import page_files


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
        lambda w: [str(path) for path in page_files(CONFIG, Path(RUN))],
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
        spec=lambda w: spec(shown_by.show(CONFIG, "report", list(TABLES))),
    shell:
        "python -m workflow report {params.spec} {output} {input.card} {input.shown} 2>&1 | tee {log}"
