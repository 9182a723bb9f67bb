"""What an examination of this machine finds: fine, worth knowing, or wrong with what mends it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from harness.errors import HarnessError, text_of

Verdict = Literal["ok", "note", "bad"]


class Finding(NamedTuple):
    """One thing that was looked at. ``remedy`` is a command or a deed, where there is anything to do."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""


def examined(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what an examination finds; what it raises is a finding, too, so that the others go on."""
    try:
        yield from look()
    except HarnessError as error:
        yield Finding(subject, "bad", "; ".join([error.message, *error.faults]), error.fix)
    except Exception as error:
        yield Finding(subject, "bad", f"cannot be looked at: {text_of(error)}", "mend it, or report this as a fault")
