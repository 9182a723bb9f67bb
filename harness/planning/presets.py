"""The presets that ship with the harness: TOML files, of which one may extend another."""

import importlib.resources
import tomllib
from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError, nearest

_CHOSEN_ON = "chosen_on"


def presets() -> dict[str, str]:
    """Return the first line of each preset by name, its comment sign removed."""
    folder = importlib.resources.files("harness.configs")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda file: file.name)
    return {f.name.removesuffix(".toml"): f.read_text("utf-8").splitlines()[0].lstrip("# ") for f in files}


def preset_keys(name: str) -> dict[str, Any]:
    """Return a preset's keys, laid over those of the preset that it ``extends``, where it does."""
    known = presets()
    if name not in known:
        raise UsageError(f"unknown preset {name!r}{nearest(name, known)}", fix=f"use one of: {', '.join(known)}")
    text = importlib.resources.files("harness.configs").joinpath(f"{name}.toml").read_text("utf-8")
    own = tomllib.loads(text)
    own.pop(_CHOSEN_ON, None)
    base = own.pop("extends", None)
    return own if base is None else overlaid(preset_keys(base), own)


def chosen_on(name: str) -> list[str]:
    """Return the data sets whose validation images chose a preset's recipe; none for a name that is no preset."""
    file = importlib.resources.files("harness.configs").joinpath(f"{name}.toml")
    return list(tomllib.loads(file.read_text("utf-8")).get(_CHOSEN_ON, [])) if file.is_file() else []


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``below`` with the keys of ``above`` laid over it, tables key by key."""
    found = dict(below)
    for key, value in above.items():
        old = found.get(key)
        found[key] = overlaid(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return found
