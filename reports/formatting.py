"""Numbers as text, the same on the page and in the terminal; and the texts of others, made fit to be shown."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.outgoing.published import published
from harness.outgoing.visible import visible

UNKNOWN = "\N{EN DASH}"


def count(value: float) -> str:
    """Return a count, with one decimal where it is a mean over seeds."""
    return UNKNOWN if math.isnan(value) else f"{value:.1f}".removesuffix(".0")


def thousands(value: float) -> str:
    """Return a large whole count, its thousands apart: 1,200."""
    return UNKNOWN if math.isnan(value) else f"{value:,.0f}"


def percent(value: float) -> str:
    """Return a share of weights to three digits: 1.56%."""
    return UNKNOWN if math.isnan(value) else f"{100 * value:.3g}%"


def percents(values: Sequence[float]) -> list[str]:
    """Return shares of weights to three digits, or to as many as tell those apart that differ."""
    for digits in range(3, 18):
        texts = [f"{100 * value:.{digits}g}%" for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def share(value: float) -> str:
    """Return a rate with one decimal: 8.7%."""
    return UNKNOWN if math.isnan(value) else f"{100 * value:.1f}%"


def points(value: float) -> str:
    """Return a difference of shares in points, a hundredth each, with its sign where it is negative: 12.5 points."""
    if not math.isfinite(value):
        return UNKNOWN
    number = round(100 * value, 1) + 0  # + 0: no minus 0
    text = f"{number:.1f}".replace("-", "\N{MINUS SIGN}").removesuffix(".0")
    return f"{text} point{'s' * (abs(number) != 1)}"


def numbered(number: int, word: str, plural: str = "") -> str:
    """Return a number of things: 1 seed, 3 seeds."""
    return f"{number:,} {word if number == 1 else plural or f'{word}s'}"


def decimal(value: float) -> str:
    """Return an AUC or average precision to three decimals."""
    return UNKNOWN if math.isnan(value) else f"{value:.3f}"


def signed(value: float) -> str:
    """Return a difference of AUCs to three decimals, with its sign unless it is 0 to these."""
    text = f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")
    return UNKNOWN if math.isnan(value) else text[1:] if float(f"{value:.3f}") == 0 else text


def duration(seconds: float) -> str:
    """Return a time in the unit that reads best."""
    if math.isnan(seconds):
        return UNKNOWN
    for limit, unit, divisor in ((99.5, "s", 1), (99.5 * 60, "min", 60), (math.inf, "h", 3600)):
        if seconds < limit:
            return f"{seconds / divisor:.3g} {unit}"
    return UNKNOWN


def in_bytes(value: float) -> str:
    """Return a number of bytes in the unit that reads best: 284 kB."""
    return _scaled(value, (" B", " kB", " MB", " GB"))


def multiplied(value: float) -> str:
    """Return a number of multiplications likewise: 20 M."""
    return _scaled(value, ("", " k", " M", " G"))


def _scaled(value: float, units: Sequence[str]) -> str:
    if math.isnan(value):
        return UNKNOWN
    power = next((power for power in range(len(units)) if value < 999.5 * 1000**power), len(units) - 1)
    return f"{value / 1000**power:.3g}{units[power]}"


def milliseconds(value: float) -> str:
    """Return a time in milliseconds to three digits: 12.5 ms."""
    return UNKNOWN if math.isnan(value) else f"{value:.3g} ms"


def listed(texts: Sequence[str]) -> str:
    """Return texts, one at least, in a sentence: a, b and c."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def shown(text: str) -> str:
    """Return text as strangers see it on a page or in a table: published, and every character of it visible."""
    return visible(published(text))


def shown_values(value: Any) -> Any:
    """Return plain values with every text in them as it is `shown`; names stay."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {name: shown_values(one) for name, one in value.items()}
    return [shown_values(one) for one in value] if isinstance(value, list | tuple) else value


def encoded(text: str) -> bytes:
    """Return text as UTF-8. Half a surrogate pair, from a file name say, must not cost the whole report."""
    return text.encode("utf-8", "backslashreplace")
