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
    "score": ("workflow.score.images", "Score rows on a problem."),
}
SHOW = {  # these put together what there is
    "collect": ("workflow.score.images", "Put all scores into one table."),
    "tuned": ("workflow.run.tuned", "Write the best trials of all searches as a configuration."),
    "table": ("workflow.show.tables", "Write a table as CSV, Markdown and LaTeX."),
    "claims": ("workflow.show.claims", "Give the paper's claims a verdict."),
    "metrics": ("workflow.show.ranking", "Compare the rankings by every metric."),
    "figure": ("workflow.show.figures", "Draw reconstructions and error maps."),
    "plot": ("workflow.show.plots", "Draw the plot of a table."),
    "budget": ("workflow.show.budget", "Draw quality against cost of a table."),
    "sensitivity": ("workflow.show.sensitivity", "Draw trials against a parameter."),
    "training": ("workflow.show.training", "Write the table of all trainings."),
    "validation": ("workflow.show.training", "Draw validation curves of networks."),
    "generation": ("workflow.show.generation", "Compare samples of priors with real images."),
    "exact": ("workflow.show.posterior", "Show distances to exact posteriors."),
    "samples": ("workflow.show.samples", "Show the scores of samples."),
    "maps": ("workflow.show.maps", "Draw mean, spread, error and error bars of samples."),
    "sample_page": ("workflow.show.sample_page", "Write the page about samples."),
    "run_card": ("workflow.show.run_card", "Write what the run was made with."),
    "report": ("workflow.show.report", "Write the page about a run."),
}
MODULES = {command: module for command, (module, _) in {**RUN, **SHOW}.items()}
