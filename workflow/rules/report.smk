# The page about the run.


rule report:
    input:
        card=f"{RUN}/run.json",
        templates=collect("workflow/show/templates/{name}", name=TEMPLATES),
        config=ancient(SETTINGS),
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
        code=fingerprint("workflow.show.report"),
    shell:
        "python -m workflow report {input.card} --config {input.config} --out {output} 2>&1 | tee {log}"
