"""The parameters of a row on a problem, and the file that sets each."""

from typing import Any

from workflow.config.check import check_asked, check_params, fields_of
from workflow.config.layers import Layers, Value
from workflow.config.resolve import resolve
from workflow.config.views import foreign_of, prior_of, recipe
from workflow.plugins.discovery import load
from workflow.plugins.params import defaults


def explain(overrides: dict[str, Any], row: str, problem: str) -> str:
    """Parameters of the method, problem, prior and network of a row, and where each is set.

    Raises:
        ConfigError: the configuration is invalid, or has no such row or problem.
    """
    config = resolve(overrides)
    check_params(config)
    check_asked(config, row, problem)
    layers, settings = Layers(overrides), config["rows"][row]
    asked, network = config["problems"][problem], None
    lines = [f"{row} on {problem}", "", f"method {settings['method']}"]
    lines += _lines(
        layers.values(row, problem), defaults(load("method", settings["method"]).Params)
    )
    lines += ["", f"problem {problem}: {asked['family']} of the images of {asked['dataset']}"]
    given = {k: Value(v, "problem") for k, v in asked["params"].items()}
    lines += _lines(given, defaults(load("problem", asked["family"]).Params))
    prior = prior_of(config, row)
    if prior is None:
        return "\n".join([*lines, "", "no prior"])
    lines += ["", f"prior {settings['prior']}"]
    lines += _lines({k: Value(v, "prior") for k, v in prior.items()}, {})
    if foreign := foreign_of(config, prior):
        lines += ["", f"network {prior['network']}, not trained here"]
        return "\n".join(
            [*lines, *_lines({k: Value(v, "network") for k, v in foreign.items()}, {})]
        )
    network = recipe(config, prior["network"], asked["trained_on"])
    lines += ["", f"network {prior['network']}, trained on {asked['trained_on']}"]
    given = {"images": Value(network["images"] or "all", "network")}
    known: dict[str, Any] = {}
    for part in ("network", "training"):
        given |= {k: Value(v, "network") for k, v in network[part].items()}
        known |= defaults(fields_of(part))
    return "\n".join([*lines, *_lines(given, known)])


def _lines(values: dict[str, Value], known: dict[str, Any]) -> list[str]:
    """A line per parameter: its name, its value and the file that sets it."""
    shown = {**{k: Value(v, "default") for k, v in known.items()}, **values}
    names = max(map(len, shown), default=0)
    width = max((len(str(value.value)) for value in shown.values()), default=0)
    return [f"  {k:{names}}  {v.value!s:{width}}  {v.place}" for k, v in shown.items()]
