"""How a check says no: what, where, and why."""

import traceback
import unittest


class CheckFailed(AssertionError):  # noqa: N818
    """A method breaks a rule: ``what`` was expected and got, ``where``, ``why`` it matters, and how to ``fix`` it."""

    def __init__(self, what: str, where: str = "", *, why: str = "", fix: str = "", detail: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.why, self.fix, self.detail = what, where, why, fix, detail

    def __str__(self) -> str:
        """Return the whole text, a line for each part."""
        parts = {"where": self.where, "why": self.why, "fix": self.fix}
        lines = [self.what, *(f"{name}: {text}" for name, text in parts.items() if text)]
        return "\n".join([*lines, *([self.detail] if self.detail else [])])


class MethodRaised(CheckFailed):
    """The method raised an error that no check asks for."""


class CheckSkipped(unittest.SkipTest):
    """The check has nothing to say about this method; pytest shows the sentence as the reason of a skip."""


def raised(error: BaseException, where: str = "") -> MethodRaised:
    """Return the failure of a method that raised ``error``: with its line, and the end of its traceback."""
    said = ": ".join(filter(None, (type(error).__name__, str(error))))
    return MethodRaised(
        f"the method raised {said}; expected no error",
        ", ".join(filter(None, (_line(error), where))),
        detail="".join(traceback.format_exception(error)[-4:]),
    )


def _line(error: BaseException) -> str:
    """Return the line that raised: the last one outside of libraries, or the last."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f"{own[-1].filename}:{own[-1].lineno} in {own[-1].name}" if own else ""
