"""What two trainings differ in, by the names that a configuration has for it."""

from typing import Any

Record = dict[str, Any]  # of a job, as JSON holds it
CODE = "the code of training, or the version of Python"
COUNTS = {"count": "train"}  # fields of workflow.config.spec.Prepare: keys of a dataset


def differences(there: Record, here: Record, images: tuple[Record | None, Record]) -> list[str]:
    """One line per entry that differs.

    Args:
        there: record of a training elsewhere (``workflow.config.spec.Train``).
        here: of the one of the same name here.
        images: records of their images (``workflow.config.spec.Prepare``); None if not known.
    """
    name = here["name"]
    labels = {"images": f"networks.{name}.images", "code": CODE}
    labels |= {key: f"networks.{name}.{key}" for key in ("network", "training")}
    found = []
    for key in sorted({*there, *here} - {"inputs"}):
        found += _differing(labels.get(key, key), there.get(key), here.get(key))
    if there.get("inputs") != here["inputs"]:
        found += _of_images(here["dataset"].partition("/")[0], *images)
    return found


def _of_images(dataset: str, there: Record | None, here: Record) -> list[str]:
    labels = {
        "code": f"the code that prepares the images of {dataset}, or the version of Python",
        "files": f"names, sizes or dates of the files of datasets.{dataset}",
    }
    found = []
    for key in sorted({*(there or {}), *here}) if there else ():
        label = labels.get(key, f"datasets.{dataset}.{COUNTS.get(key, key)}")
        found += _differing(label, there.get(key), here.get(key))
    return found or [f"the images of datasets.{dataset}"]


def _differing(label: str, there: Any, here: Any) -> list[str]:
    if there == here:
        return []
    if isinstance(there, dict) and isinstance(here, dict):
        keys = sorted({*there, *here})
        return [s for k in keys for s in _differing(f"{label}.{k}", there.get(k), here.get(k))]
    if label.startswith(("the ", "names, ")):
        return [label]  # hashes say nothing
    return [f"{label} (there {_said(there)}, here {_said(here)})"]


def _said(value: Any) -> str:
    return "not set" if value is None else str(value)
