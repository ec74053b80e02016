"""PSNR of tensors, for training and searches: the scores of tables are in ``metrics``."""

import torch


def mean_psnr(truth: torch.Tensor, x_hat: torch.Tensor) -> float:
    """Mean PSNR over images in [0, 1], data range 1."""
    errors = (truth - x_hat).square().flatten(1).mean(dim=1)
    return float((-10 * errors.log10()).mean())
