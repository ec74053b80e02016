"""Reconstruction methods: one file each, written as the algorithm."""
