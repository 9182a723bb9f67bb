"""A configuration from its layers: preset, file, ``--set``, flags; every fault at once."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from harness.errors import UsageError, nearest
from harness.planning.configuration import Configuration
from harness.planning.presets import overlaid, preset_keys


def load_configuration(
    preset: str, file: Path | None, assignments: Sequence[str], flags: Mapping[str, Any]
) -> Configuration:
    """Return the configuration of preset, then file, then ``--set a.b=c``, then flags; later ones win.

    Raises `UsageError` with all unknown keys (and the nearest known ones) and wrong values at once.
    """
    keys = preset_keys(preset)
    if file is not None:
        own = _read(file)
        if "extends" in own:
            raise UsageError(
                f"configuration file {file} says extends, which is for presets",
                fix=f"leave that line out and name the preset: --preset {own['extends']} --config {file}",
            )
        keys = overlaid(keys, own)
    for assignment in assignments:
        keys = overlaid(keys, _assignment(assignment))
    keys = overlaid(keys, flags)
    try:
        return TypeAdapter(Configuration).validate_python(keys)
    except ValidationError as error:
        raise UsageError(
            "the configuration has faults",
            faults=sorted({_fault(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors()}),
            fix="`harness run --dry-run` shows what a preset sets; docs/configuration.md lists every key",
        ) from None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"configuration file {file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"configuration file {file} is not TOML: {error}") from error


def _assignment(text: str) -> dict[str, Any]:
    """Return ``a.b=c`` as nested tables; c is read as TOML, and as plain text where it is none."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise UsageError(f"--set {text!r} is not an assignment", fix="write --set training.learning_rate=0.02")
    try:
        parsed: Any = tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    for part in reversed(key.strip().split(".")):
        parsed = {part: parsed}
    return dict(parsed)


def _fault(where: tuple[int | str, ...], kind: str, message: str) -> str:
    path = ".".join(str(part) for part in where)
    if kind != "unexpected_keyword_argument":
        return f"{path}: {message[0].lower()}{message[1:]}"
    section: Any = Configuration
    for part in where[:-1]:
        section = _below(section, str(part))
    known = [field.name for field in fields(section)] if is_dataclass(section) else []
    return f"{path}: unknown key{nearest(str(where[-1]), known)}"


def _below(section: Any, part: str) -> Any:
    """Return the type of a section's part; of a table by names, that of its values."""
    if is_dataclass(section):
        return get_type_hints(section).get(part)
    return get_args(section)[1] if get_origin(section) is dict else None
