"""What there is: methods, problems, priors and datasets."""

from collections.abc import Iterator

from workflow.config.resolve import resolve
from workflow.plugins.discovery import discover, find, use
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
                if not plugin.defined:  # such as a file that a plugin imports
                    continue
                said = f"{getattr(plugin.cls, 'label', '')}. {getattr(plugin.cls, 'reference', '')}"
                lines = [said, f"parameters: {signature(plugin.cls.Params) or 'none'}"]
            except PluginError as error:
                lines = [f"cannot be used: {error}"]
            for title, line in zip((name, ""), lines, strict=False):
                yield f"  {title:{width}}  {line}"
        yield ""
    yield "priors (preset quick)"
    for name, prior in priors.items():
        yield f"  {name}: network {prior['network']}, assembly {prior['assembly']}"
