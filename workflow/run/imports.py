"""Keeps the start of a job short."""

import sys
from importlib import import_module
from types import ModuleType

COMPILER = "torch._dynamo.utils"


def without_compiler() -> None:
    """Let torchvision, which deepinv imports, not load PyTorch's compiler: 2 of 5 seconds of a job.

    ``torchvision.ops.roi_align`` takes one function from it, which it calls for some devices only.
    In its place is one that loads the compiler when it is called. Whatever else is asked of the
    compiler gets the real one, as if this had not been.
    """
    if "torch" in sys.modules:
        return

    def found(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        sys.modules.pop(COMPILER, None)
        if name == "is_compile_supported":
            return lambda device: import_module(COMPILER).is_compile_supported(device)
        return getattr(import_module(COMPILER), name)

    standing_in = ModuleType(COMPILER)
    standing_in.__getattr__ = found
    sys.modules[COMPILER] = standing_in
