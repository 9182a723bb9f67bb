"""A configuration from its layers: preset, file, ``--set``, flags; every fault at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.errors import UsageError
from harness.planning.configuration import Configuration
from harness.planning.configuration_faults import faults_of, loss_faults
from harness.planning.presets import overlaid, preset_keys
from harness.planning.toml_files import parse_toml, read_toml

_PARTS = 16


def load_configuration(
    preset: str, file: Path | None, assignments: Sequence[str], flags: Mapping[str, Any]
) -> Configuration:
    """Return the configuration of preset, then file, then ``--set a.b=c``, then flags; later ones win.

    Raises `UsageError` with all unknown keys (and the nearest known ones) and wrong values at once, also those that a
    later layer would replace.
    """
    layers = [preset_keys(preset), *([] if file is None else [_own(file)]), *map(_assignment, assignments), dict(flags)]
    keys: dict[str, Any] = {}
    for layer in layers:
        keys = overlaid(keys, layer)
    faults = {fault for layer in layers for fault in faults_of(layer)}
    if not any(fault.startswith("losses") for fault in faults):  # a table may come in several layers
        faults |= {*loss_faults(keys.get("losses", {}))}
    if faults:
        raise UsageError(
            "the configuration has faults",
            faults=sorted(faults),
            fix="`harness run --dry-run` shows what a preset sets; docs/configuration.md lists every key",
        )
    return TypeAdapter(Configuration).validate_python(keys)


def _own(file: Path) -> dict[str, Any]:
    """Return the keys of a user's file. Raises `UsageError`."""
    keys = read_toml(file, "configuration file")
    if "extends" in keys:
        raise UsageError(
            f"configuration file {file} says extends, which is for presets",
            fix=f"leave that line out and name the preset: --preset {keys['extends']} --config {file}",
        )
    return keys


def _assignment(text: str) -> dict[str, Any]:
    """Return ``a.b=c`` as nested tables; c is read as TOML, and as plain text where it is none."""
    key, sign, value = text.partition("=")
    parts = key.strip().split(".")
    if not sign or not key.strip() or len(parts) > _PARTS:
        raise UsageError(f"--set {text[:100]!r} is not an assignment", fix="write --set training.learning_rate=0.02")
    parsed: Any = _value(value.strip())
    for part in reversed(parts):
        parsed = {part: parsed}
    return dict(parsed)


def _value(text: str) -> Any:
    try:
        keys = parse_toml(f"value = {text}")
    except ValueError:
        return text
    return keys["value"] if len(keys) == 1 else text  # more than one: a line break and another key
