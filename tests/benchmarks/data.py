"""Peak memory of preparing and training against the number of images, 256 x 256.

Run ``python tests/benchmarks/data.py``; writes 1,000 and 10,000 procedural images (PNG, 8 bits) to
a temporary folder, prepares them and takes 30 training steps in processes of their own, and prints
the largest resident memory that is not of files, which the system takes back when it needs to.
"""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

COUNTS, SIZE, STEPS = (1_000, 10_000), 256, 30


def write_images(folder: Path, count: int) -> None:
    """Smooth random images, one patient each, and a few for the other splits."""
    rng = np.random.default_rng(0)
    waves = np.sin(np.outer(np.arange(1, 9), np.linspace(0, np.pi, SIZE)))
    for split, number in (("train", count), ("validation", 2), ("test", 2)):
        for k in range(number):
            image = waves.T @ rng.normal(size=(8, 8)) @ waves
            image = (image - image.min()) / np.ptp(image)
            path = folder / split / f"{split}{k:05d}" / "a.png"
            path.parent.mkdir(parents=True)
            Image.fromarray((255 * image).astype(np.uint8)).save(path, compress_level=1)


def peak(work) -> int:
    """Largest anonymous resident memory while ``work`` runs, in MB."""
    highest, stop = 0, threading.Event()

    def watch():
        nonlocal highest
        while not stop.is_set():
            status = Path("/proc/self/status").read_text()
            highest = max(highest, int(status.split("RssAnon:")[1].split()[0]))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        stop.set()
        watcher.join()
    return highest // 1024


def prepare(folder: Path) -> None:
    from workflow.config.machine import Machine
    from workflow.config.spec import Prepare
    from workflow.run.prepare import prepare

    job = Prepare(
        dataset="images", split="train", source="folder", size=[SIZE, SIZE], count=None, folds=1,
        params={"path": str(folder)}, files="", inputs={}, plugins=[],
    )  # fmt: skip
    print(peak(lambda: prepare(job, folder / "prepared/train.npy", machine=Machine())))


def train(folder: Path) -> None:
    import torch

    from methods.priors.networks import Denoiser, NetworkParams
    from methods.priors.training import Trainer, TrainingParams
    from workflow.run.device import held
    from workflow.store.images import open_images

    torch.set_num_threads(1)
    params = TrainingParams(patch=56, sizes=(56,), probabilities=(1.0,), batch=(16,))

    def work():
        split = open_images(folder / "prepared/train.npy")
        network = Denoiser(1, NetworkParams(width=16))
        pixels = held(split.pixels, torch.device("cpu"))
        trainer = Trainer(network, pixels, params, 0, split.names["row"].tolist())
        for _ in range(STEPS):
            trainer.step()

    print(peak(work))


def main() -> None:
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            write_images(Path(folder), count)
            for job in ("prepare", "train"):
                command = [sys.executable, __file__, job, folder]
                start = time.perf_counter()
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                seconds = time.perf_counter() - start
                print(f"{count} images, {job}: {done.stdout.strip()} MB, {seconds:.0f} s")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        {"prepare": prepare, "train": train}[sys.argv[1]](Path(sys.argv[2]))
