"""Image sources: one file each, all with the same interface."""
