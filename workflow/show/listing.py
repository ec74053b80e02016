"""What there is: methods, problems, priors and datasets."""

from collections.abc import Iterator
from functools import partial

from workflow.config.resolve import resolve
from workflow.plugins.contained import contained
from workflow.plugins.discovery import IMPORT_MINUTES, Plugin, discover, find, use
from workflow.plugins.params import PluginError, signature


def listing(plugins: list[str]) -> Iterator[str]:
    """Lines that name everything a configuration can use.

    Args:
        plugins: files and folders outside the project to look at as well.
    """
    priors = resolve({})["priors"]
    use(plugins)
    for kind in ("method", "problem", "dataset"):
        yield f"{kind}s"
        names = discover(kind)
        width = max(map(len, names))
        for name in names:
            try:
                plugin = find(kind, name)
                work = partial(_said, plugin)
                lines, reason = contained(work, IMPORT_MINUTES) if plugin.outside else (work(), "")
            except PluginError as error:
                lines, reason = None, str(error)
            if reason:
                lines = [f"cannot be used: {reason}"]
            for title, line in zip((name, ""), lines, strict=False):
                yield f"  {title:{width}}  {line}"
        yield ""
    yield "priors (preset quick)"
    for name, prior in priors.items():
        yield f"  {name}: network {prior['network']}, assembly {prior['assembly']}"


def _said(plugin: Plugin) -> list[str]:
    """What is said of a plugin; nothing of a file that has none, as one that a plugin imports."""
    if not plugin.defined:
        return []
    cls = plugin.cls
    said = f"{getattr(cls, 'label', '')}. {getattr(cls, 'reference', '')}"
    return [said, f"parameters: {signature(cls.Params) or 'none'}"]
