"""Entries as people write them: ``lt``, ``snip[images=64]``, ``random-layerwise[of=lt[rate=0.75]]``, ``lt+int8``; data
sets too.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from harness.errors import UsageError

INT8 = "+int8"
"""Behind an entry: its networks, quantised to eight bits."""

_WRITTEN = re.compile(r"^(?P<name>[^\[\]]+)(\[(?P<parameters>.*)\])?$")


def split_list(text: str) -> list[str]:
    """Split ``lt,snip[images=64,scope=layer]`` at the commas outside brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def parse_entry(written: str, what: str = "method") -> tuple[str, dict[str, str]]:
    """Return the name and the parameters of an entry, ``what`` it is in words, as text.

    Raises `UsageError` where it cannot be read.
    """
    match = _WRITTEN.match(written)
    pairs = [pair.partition("=") for pair in split_list((match and match["parameters"]) or "")]
    if match is None or any("[" in name or "]" in name for name, _, _ in pairs):
        raise UsageError(f"cannot read {what} {written!r}", fix="write it as name or name[parameter=value,...]")
    parameters = {name.strip(): value.strip() for name, _, value in pairs}
    if len(parameters) < len(pairs):
        raise UsageError(f"{what} {written!r} gives a parameter twice")
    return match["name"].strip(), parameters


def parse_bits(written: str) -> tuple[str, int]:
    """Return an entry without what is said of its bits, and these: ``lt+int8`` is (lt, 8), any other is of 32."""
    name = written.strip().removesuffix(INT8)
    return (name.rstrip(), 8) if name != written.strip() else (written, 32)


def toml_text(value: Any) -> str:
    """Return a value as a user would write it in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {toml_text(item)}" for name, item in value.items()) + " }"
    return f"[{', '.join(map(toml_text, value))}]" if isinstance(value, list | tuple) else str(value)
