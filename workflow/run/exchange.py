"""Trained networks from one run to another: exported as a ZIP file, imported into the cache."""

import json
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from methods.priors.networks import NetworkParams, build_network
from workflow.config import jobs
from workflow.config.difference import differences
from workflow.config.views import folds_of, networks_shown
from workflow.plugins.params import make_params
from workflow.store.arrays import StoreError, file_hash, load_record, save_record
from workflow.store.bundle import extract, read_manifest, write_bundle
from workflow.store.made import CARD, WEIGHTS, folder_of, load_made
from workflow.store.provenance import commit


def export(run: Path, out: Path | None = None) -> list[str]:
    """Write all networks of ``run`` (results/<name>) to ``out``; a line per network.

    Raises:
        StoreError: there is none, one is damaged or has no record, or ``out`` exists.
    """
    run = Path(run)
    out = Path(out or f"{run.resolve().name}-networks.zip")
    if out.exists():
        raise StoreError(f"{out} exists: delete it, or name another file with --out")
    networks, lines = {}, []
    for path in sorted(run.glob("networks/**/card.json")):
        folder, card = path.parent, load_made(path.parent)
        name, record = folder.relative_to(run / "networks").as_posix(), card.get("spec")
        if not record or f"{record['dataset']}/{record['name']}" != name:
            raise StoreError(f"{folder} has no record of its training: delete it and run snakemake")
        prepared = run / "specs" / f"{record['inputs']['images']}.json"
        networks[name] = (
            folder,
            {
                "hash": jobs.spec.parse(record).hash,
                "record": record,
                "images": load_record(prepared) if prepared.exists() else None,
                "data_sha256": card["data_sha256"],
                "trained": _trained(card),
            },
        )
        lines.append(_line(name, _trained(card)))
    if not networks:
        raise StoreError(f"there are no trained networks in {run}: name a run, results/<name>")
    about = {"run": run.resolve().name, "date": _now(), **commit()}
    write_bundle(out, about, networks)
    return [*lines, f"wrote {len(networks)} networks to {out}"]


def contents(file: Path) -> list[str]:
    """A line per network of an exported file."""
    return [
        _line(network["name"], network["trained"]) for network in read_manifest(file)["networks"]
    ]


def import_(file: Path, config: dict[str, Any], force: bool = False) -> list[str]:
    """Take networks of ``file`` whose training is the same in ``config``; a line for each.

    They are put into the cache, where the next run of snakemake finds them.

    Args:
        file: what ``export`` wrote.
        config: resolved.
        force: import the others if the training of some differs, which then are trained.

    Raises:
        StoreError: the file is damaged; or a training differs, then nothing is imported.
    """
    manifest = read_manifest(file)
    chosen, lines, differing = [], [], []
    folds = [fold for dataset in config["datasets"] for fold in folds_of(config, dataset)]
    names = {f"{fold}/{network}" for fold in folds for network in config["networks"]}
    for network in manifest["networks"]:
        name = network["name"]
        if name not in names:
            lines.append(f"{name}: not in this configuration, left out")
        elif found := _differences(config, network):
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            differing.append(f"{name} differs in {found[0]}{more}")
        else:
            chosen.append(network)
    if differing and not force:
        others = f"; so do {len(differing) - 1} others" if len(differing) > 1 else ""
        raise StoreError(
            f"{differing[0]}{others}; nothing was imported: make the settings the same, or add "
            f"--force to train what differs and import the other {len(chosen)}"
        )
    lines += [f"{line}: will be trained" for line in differing]
    origin = {"file": Path(file).name, "sha256": file_hash(file), "date": _now()}
    origin |= {"run": manifest.get("run"), "commit": manifest.get("commit")}
    _put(file, chosen, Path(config["cache"]) / "networks", origin)
    lines += [_line(network["name"], network["trained"]) for network in chosen]
    missing = needed(config) - {network["name"] for network in chosen}
    others = f"; {len(missing)} others will be trained" if missing else ""
    return [*lines, f"imported {len(chosen)} networks, which snakemake takes as made{others}"]


def needed(config: dict[str, Any]) -> set[str]:
    """Networks of everything that the target ``all`` makes."""
    tables = [name for name, table in config["tables"].items() if not table["extra"]]
    return set(networks_shown(config, tables))


def _put(file: Path, networks: list[dict[str, Any]], folder: Path, origin: dict[str, Any]) -> None:
    """Extract networks to their places below ``folder``, if all of them are whole.

    Raises:
        StoreError: one is not; then nothing is changed.
    """
    new = folder / f".{token_hex(6)}"
    try:
        for network in networks:
            extract(file, network, new / network["hash"])
            card = _checked(file, network, new / network["hash"])
            earlier = {"before": card["imported"]} if "imported" in card else {}
            save_record(new / network["hash"] / CARD, {**card, "imported": {**origin, **earlier}})
        for network in networks:
            target = folder_of(folder.parent, network["hash"])
            rmtree(target, ignore_errors=True)
            (new / network["hash"]).rename(target)
    finally:
        rmtree(new, ignore_errors=True)


def _checked(file: Path, network: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The card of an extracted network, which must be that of the manifest and of the weights."""
    try:
        card = load_made(folder)
        if (card["spec"], card["data_sha256"]) != (network["record"], network["data_sha256"]):
            raise ValueError("its card is of another training")
        with torch.device("meta"):
            params = make_params(NetworkParams, card["network"], network["name"])
            wanted = build_network(card["shape"][0], params).state_dict()
        with safe_open(folder / WEIGHTS, "pt") as stored:
            shapes = {
                name: tuple(stored.get_slice(name).get_shape()) for name in list(stored.keys())
            }
        if shapes != {name: tuple(values.shape) for name, values in wanted.items()}:
            raise ValueError("its weights do not fit its network")
        float(card["seconds"])
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        said = str(error).splitlines()[0].replace(f"{folder}/", "").split(": delete")[0]
        raise StoreError(
            f"{file}: {network['name']} cannot be used ({said}): export it again"
        ) from None
    return card


def _differences(config: dict[str, Any], network: dict[str, Any]) -> list[str]:
    """What the training of a network in a manifest and the one here differ in."""
    fold, name = network["name"].rsplit("/", 1)
    here = jobs.train(config, fold, name)
    if here.hash == network["hash"]:
        return []
    images = jobs.prepare(config, fold.partition("/")[0], "train")
    return differences(
        network["record"], _as_json(here.record), (network.get("images"), _as_json(images.record))
    )


def _as_json(record: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(record))


def _trained(card: dict[str, Any]) -> dict[str, Any]:
    """What is said of a training in a line."""
    made = card["made_with"]
    on_gpu = card["device"] == "cuda"
    processor = made["torch"]["gpu"] if on_gpu else made["machine"]["processor"]
    return {"seconds": card["seconds"], "parameters": card["parameters"], "processor": processor}


def _line(name: str, trained: dict[str, Any]) -> str:
    size, seconds = trained["parameters"] / 1e6, trained["seconds"]
    return f"{name}: {size:.2f} million parameters, {seconds:.0f} s on {trained['processor']}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
