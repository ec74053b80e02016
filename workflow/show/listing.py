"""What there is: methods, problems, priors and datasets, found without importing them."""

from collections.abc import Iterator

from workflow.config.resolve import resolve
from workflow.plugins.discovery import discover, use


def listing(plugins: list[str]) -> Iterator[str]:
    """Lines that name everything a configuration can use.

    Args:
        plugins: files and folders outside the project to look at as well.
    """
    priors = resolve({})["priors"]
    use(plugins)
    for kind in ("method", "problem", "dataset"):
        yield f"{kind}s"
        found = discover(kind)
        width = max(map(len, found))
        for name, plugin in found.items():
            said = plugin.attributes
            yield f"  {name:{width}}  {said.get('label', '')}. {said.get('reference', '')}"
            yield f"  {'':{width}}  parameters: {plugin.signature or 'none'}"
        yield ""
    yield "priors (preset quick)"
    for name, prior in priors.items():
        yield f"  {name}: network {prior['network']}, assembly {prior['assembly']}"
