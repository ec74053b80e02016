"""Where every parameter of a row on a problem comes from.

The layers of the configuration are combined a second time with each value replaced by the place
where it is written: what is left in the end says which layer won.
"""

from typing import Any

from workflow.config.check import RECIPES, check_params, recipe_of
from workflow.config.layers import ConfigError, spread
from workflow.config.resolve import combined, layers_of, resolve
from workflow.config.views import params_of, prior_name, prior_of
from workflow.plugins.discovery import find
from workflow.plugins.params import defaults as defaults_of
from workflow.plugins.params import nearest

MAPPINGS = ("params", "params_for", "network", "training")  # whose values are followed
VALUES = ("prior", "network", "assembly", "overlap", "images")  # and these single ones
NAMES = ("name", "like")  # of a network that a sweep makes
DEFAULT = "default"


def explain(overrides: dict[str, Any], row: str, problem: str) -> str:
    """Parameters of the method, problem, prior and network of a row, and where each is written.

    Raises:
        ConfigError: the configuration, the row or the problem is none.
    """
    config = resolve(overrides)
    check_params(config)
    for kind, name in (("rows", row), ("problems", problem)):
        if name not in config[kind]:
            raise ConfigError(f"unknown {kind[:-1]} {name!r}{nearest(name, config[kind])}")
    layers = {file: _places(spread(layer), file) for file, layer in layers_of(overrides).items()}
    written = combined(layers, set())
    settings, of_row = config["rows"][row], written["rows"][row]
    method = find("method", settings["method"])
    lines = [f"{row} on {problem}", "", f"method {method.name}"]
    lines += _lines(params_of(settings, problem), params_of(of_row, problem), defaults_of(method.cls.Params))
    asked = config["problems"][problem]
    family = find("problem", asked["family"])
    lines += ["", f"problem {problem}: {family.name} of the images of {asked['dataset']}"]
    lines += _lines(asked["params"], written["problems"][problem].get("params"), defaults_of(family.cls.Params))
    prior = prior_of(config, row)
    if prior is None:
        return "\n".join([*lines, "", "no prior"])
    name = prior_name(settings)
    source = dict(written["priors"][name])
    if "network" in of_row:  # its own name where a sweep has made it
        made = of_row["network"] == prior["network"]
        source["network"] = "the sweep that makes the row" if made else of_row["network"]
    lines += ["", f"prior {name} ({of_row.get('prior', 'that of the method')})"]
    lines += _lines(prior, source, {})
    network, of_network = (c["networks"][prior["network"]] for c in (config, written))
    lines += ["", f"network {prior['network']}, trained on {asked['trained_on']}"]
    values, places, defaults = {"images": network["images"]}, dict(of_network), {}
    for part in RECIPES:
        values |= network[part]
        places |= of_network.get(part, {})
        defaults |= defaults_of(recipe_of(part))
    return "\n".join([*lines, *_lines(values, places, defaults)])


def _places(value: Any, file: str, place: tuple[str, ...] = (), inside: bool = False) -> Any:
    """A layer whose values that are followed are the place where they are written."""
    if isinstance(value, dict):
        return {
            key: _places(inner, file, (*place, str(key)), inside or key in MAPPINGS)
            for key, inner in value.items()
        }
    followed = place and (inside or place[-1] in VALUES) and place[-1] not in NAMES
    return f"{file}, {'.'.join(place[:-1])}" if followed and value is not None else value


def _lines(values: dict[str, Any], places: Any, defaults: dict[str, Any]) -> list[str]:
    """A line per parameter: its name, its value and its place."""
    shown = {**defaults, **values}
    names = max(map(len, shown), default=0)
    width = max((len(str(value)) for value in shown.values()), default=0)
    return [
        f"  {name:{names}}  {value!s:{width}}  {(places or {}).get(name, DEFAULT)}"
        for name, value in shown.items()
    ]
