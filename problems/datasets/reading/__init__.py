"""Reads folders of images: which files, whose, in which split, what their values are."""
