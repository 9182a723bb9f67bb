"""How a check says no: what, where, and why."""

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


class CheckSkipped(unittest.SkipTest):
    """The check has nothing to say about this method; pytest shows the sentence as the reason of a skip."""
