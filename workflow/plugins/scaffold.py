"""Writes a new method or problem: one file that works, to be changed."""

import re
from pathlib import Path
from string import Template

from workflow.plugins.discovery import ROOT, discover, is_module
from workflow.plugins.params import PluginError

TEMPLATES = ROOT / "workflow" / "plugins" / "templates"
SETTINGS = {  # what a configuration says to use it, and the target that shows it
    "method": (
        'rows:\n  {name}: {{method: {name}, prior: padis, label: "{label}"}}',
        "table1",
    ),
    "problem": (
        'problems:\n  {name}: {{family: {name}, dataset: faces, label: "{label}"}}\n'
        'tables:\n  {name}_table: {{problems: [{name}], caption: "{label}."}}',
        "{name}_table",
    ),
}


def new(kind: str, name: str, out: Path | None = None) -> str:
    """Write a working plugin.

    Args:
        kind: "method" or "problem".
        name: lower-case letters, digits and underscores; name in configurations.
        out: file to write, by default <name>.py in the working directory.

    Returns:
        What to do next, for the terminal.

    Raises:
        PluginError: the name cannot be used, or is in use.
        FileExistsError: the file exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise PluginError(
            f"{name!r} cannot be a name: use lower-case letters, digits and underscores"
        )
    if name in discover(kind):
        raise PluginError(f"there is a {kind} {name!r} already: choose another name")
    if is_module(name):
        raise PluginError(
            f"a file {name}.py would take the place of the module {name}: choose another name"
        )
    file = Path(out or f"{name}.py")
    if file.stem != name:
        raise PluginError(f"{file}: the file name is the name of the {kind}; call it {name}.py")
    if file.exists():
        raise FileExistsError(f"{file} exists already: move it or choose another name")
    label = name.replace("_", " ").capitalize()
    text = Template((TEMPLATES / f"{kind}.py.txt").read_text())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.substitute(cls=name.title().replace("_", ""), label=label))
    names = {"name": name, "label": label}
    settings, target = (text.format(**names) for text in SETTINGS[kind])
    lines = [f"plugins: [{file}]", *settings.splitlines()]
    beside = f"    python -m workflow card {file}  # beside all others\n" * (kind == "method")
    return (
        f"wrote {file}. Check it with\n\n    python -m workflow check {file}\n{beside}\n"
        f"and run it with `snakemake --cores all {target} --configfile my.yaml`, my.yaml being\n\n"
        + "\n".join(f"    {line}" for line in lines)
    )
