"""The processes that share a training."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


class OneProcess:
    """What a training by one process uses in place of Fabric, which takes 4 seconds to import."""

    world_size, global_rank, is_global_zero = 1, 0, True

    def __init__(self, device: torch.device):
        self.device = device

    def launch(self) -> None:
        """Start no other process."""

    def setup(self, network: nn.Module, optimizer: Optimizer, move_to_device: bool) -> tuple:
        return network, optimizer

    def no_backward_sync(self, network: nn.Module, enabled: bool) -> AbstractContextManager:
        return nullcontext()

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()

    def all_reduce(self, value: torch.Tensor) -> torch.Tensor:
        return value


def processes(device: torch.device, devices: int) -> Any:
    """So many processes of this command that share a training, for ``launch`` to start.

    Lightning's Fabric runs the command again for each; on a CPU they are processes of one machine,
    on a cluster of one job, whatever the cluster is. One process needs no Fabric.

    Returns:
        ``OneProcess``, or a Fabric, which has the same methods.
    """
    if devices == 1:
        return OneProcess(device)
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import LightningEnvironment

    return Fabric(
        accelerator=device.type, devices=devices, strategy="ddp", plugins=[LightningEnvironment()]
    )
