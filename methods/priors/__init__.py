"""Learned image priors: networks, assembly of images from patches, and training."""
