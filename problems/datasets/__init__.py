"""Where images come from: one file per source, all with the same interface."""
