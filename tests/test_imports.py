"""Jobs start without what they do not use."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "deepinv", "torchmetrics", "torchvision")
SHOWS = ("tables", "figures", "plots", "budget", "claims", "metrics", "training", "report", "maps")


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_tables_and_figures_need_no_pytorch():
    imports = "; ".join(f"import workflow.show.{name}" for name in SHOWS)
    loaded = python(f"import sys; {imports}; print(*sys.modules)")
    assert not {*HEAVY} & {*loaded}


@pytest.mark.slow
def test_a_job_starts_without_the_compiler_and_has_it_when_it_asks():
    code = """
import sys
from workflow.run.imports import without_compiler
without_compiler()
import workflow.run.reconstruct
print("torch._dynamo" in sys.modules)
from torchvision.ops import roi_align
import torch
print(roi_align.__globals__["is_compile_supported"]("cpu"))
print(torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(1)).item())
"""
    assert python(code) == ["False", "True", "1.0"]


@pytest.mark.slow
def test_the_compiler_can_be_asked_for_first():
    code = """
from workflow.run.imports import without_compiler
without_compiler()
import torch
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
import torch._dynamo.utils
print(torch._dynamo.utils.counters is not None)
import torchvision
"""
    assert python(code) == ["True"]
