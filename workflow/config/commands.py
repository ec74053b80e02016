"""The commands of jobs: where their functions are, which have the same names, and what they do."""

RUN = {  # these compute, on a machine (``workflow.config.machine``)
    "prepare": ("workflow.run.prepare", "Write the images of a split of a dataset."),
    "measure": ("workflow.run.measure", "Measure the images of a problem."),
    "train": ("workflow.run.train", "Train a network."),
    "reconstruct": ("workflow.run.reconstruct", "Run a row on a problem."),
    "controls": ("workflow.run.controls", "Make the controls of a problem."),
    "generate": ("workflow.run.generate", "Sample a prior without a measurement."),
    "tune": ("workflow.run.tune", "Try a row's search on validation images."),
    "sample": ("workflow.run.sample", "Sample a row on a problem and score the samples."),
    "posterior": ("workflow.run.posterior", "Compare rows with an exact posterior."),
    "score": ("workflow.score.metrics", "Score rows on a problem."),
}
SHOW = {  # these put together what there is
    "tuned": ("workflow.run.tuned", "Write the best trials of all searches as a configuration."),
    "table": ("workflow.show.tables", "Write a table and its figures."),
    "claims": ("workflow.show.claims", "Give the paper's claims a verdict."),
    "metrics": (
        "workflow.show.metrics",
        "Put all scores into one table and compare rankings by metric.",
    ),
    "sensitivity": ("workflow.show.sensitivity", "Draw trials against a parameter."),
    "training": ("workflow.show.training", "Write the table and the curves of all trainings."),
    "generation": ("workflow.show.generation", "Compare samples of priors with real images."),
    "exact": ("workflow.show.exact", "Show distances to exact posteriors."),
    "samples": ("workflow.show.samples", "Write a table of samples, its maps and its page."),
    "method_card": ("workflow.show.method_card", "Write the card of a method."),
    "report": ("workflow.show.report", "Write the page about a run."),
}
MODULES = {command: module for command, (module, _) in {**RUN, **SHOW}.items()}
