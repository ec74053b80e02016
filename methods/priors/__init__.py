"""Learned image priors: networks, how an image is assembled from them, and their training."""
