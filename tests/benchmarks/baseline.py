"""The ratios that the repository keeps, and whether a run of the benchmarks is worse than they beyond the noise.

    python tests/benchmarks/baseline.py keep RESULT.json     baseline.json from pytest-benchmark's own JSON
    python tests/benchmarks/baseline.py check RESULT.json    a table; exit code 1 where a ratio became worse

A ratio is worse when its quartiles and the baseline's do not overlap on the bad side and its median is `BEYOND` off:
noise moves one of them, and a change of the code both. Of fewer than `LEAST_PAIRS` pairs quartiles say nothing: such a
ratio is shown and not judged. What a run did not measure stays as it was kept.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("baseline.json")
BEYOND = 0.05
"""Of the median: what two quiet runs of the same code differ by at most, twice over."""
LEAST_PAIRS = 4


@dataclass(frozen=True)
class Ratio:
    """A ratio's median and quartiles; ``more``: the larger, the better."""

    median: float
    low: float
    high: float
    more: bool = False
    aim: float | None = None
    pairs: int = LEAST_PAIRS

    def is_worse_than(self, kept: "Ratio") -> bool:
        """Return whether it is worse than before beyond the noise of both."""
        if min(self.pairs, kept.pairs) < LEAST_PAIRS:
            return False
        if self.more:
            return self.high < kept.low and self.median < kept.median / (1 + BEYOND)
        return self.low > kept.high and self.median > kept.median * (1 + BEYOND)

    def __str__(self) -> str:
        return f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True)
class Ratios:
    """What one run of the benchmarks found, by name, and on which machine."""

    machine: Mapping[str, str]
    found: Mapping[str, Ratio]

    @classmethod
    def of_run(cls, file: Path) -> "Ratios":
        """Read pytest-benchmark's JSON; what has no ratio is left out."""
        run = json.loads(file.read_text())
        machine = run["machine_info"]
        told = [one["extra_info"] for one in run["benchmarks"] if "ratio" in one["extra_info"]]
        found = {one["ratio"]: _ratio(one) for one in told}
        names = {"processor": machine.get("cpu", {}).get("brand_raw", ""), "python": machine.get("python_version", "")}
        return cls({**names, "cores": str(machine.get("cpu", {}).get("count", ""))}, found)

    @classmethod
    def kept(cls, file: Path = KEPT) -> "Ratios":
        """Read the baseline."""
        kept = json.loads(file.read_text())
        return cls(kept["machine"], {name: _ratio(one) for name, one in kept["ratios"].items()})

    def keep(self, file: Path = KEPT) -> None:
        """Write the baseline; of the same machine what is not measured now stays."""
        before = Ratios.kept(file) if file.exists() else None
        others = before.found if before is not None and before.machine == self.machine else {}
        ratios = {name: asdict(one) for name, one in sorted({**others, **self.found}.items())}
        file.write_text(json.dumps({"machine": dict(self.machine), "ratios": ratios}, indent=1) + "\n")


def _ratio(told: Mapping[str, Any]) -> Ratio:
    return Ratio(
        *(float(told[name]) for name in ("median", "low", "high")), bool(told["more"]), told["aim"], told["pairs"]
    )


def comparison(kept: Ratios, new: Ratios) -> tuple[list[str], list[str]]:
    """Return a table, a line a ratio of the run, and the names of those that became worse."""
    worse = [name for name, one in new.found.items() if name in kept.found and one.is_worse_than(kept.found[name])]
    lines = [f"{'':<6}{'baseline':>28}{'now':>28}  ratio"]
    for name, one in new.found.items():
        before = kept.found.get(name)
        mark = "WORSE" if name in worse else "new" if before is None else ""
        columns = ["-" if before is None else str(before), str(one)]
        lines.append(f"{mark:<6}{columns[0]:>28}{columns[1]:>28}  {name}{_missed(one)}")
    if absent := [name for name in kept.found if name not in new.found]:
        lines.append(f"{len(absent)} of the baseline's ratios were not measured")
    if kept.machine != new.machine:
        lines.append(f"note: the baseline is of another machine: {dict(kept.machine)}, this one {dict(new.machine)}")
    return lines, worse


def _missed(one: Ratio) -> str:
    """Return in words that an aim is missed, which fails nothing."""
    if one.aim is None or (one.median >= one.aim if one.more else one.median <= one.aim):
        return ""
    return f" (aim {'>=' if one.more else '<='} {one.aim:g})"


def main(verb: str, result: str) -> int:
    new = Ratios.of_run(Path(result))
    if not new.found:
        print(f"{result} has no ratio: nothing was measured", file=sys.stderr)
        return 1
    if verb == "keep":
        new.keep()
        print(f"{len(new.found)} ratios kept in {KEPT}")
        return 0
    if not KEPT.exists():
        print(f"there is no {KEPT}: make bench-baseline keeps one", file=sys.stderr)
        return 1
    lines, worse = comparison(Ratios.kept(), new)
    print("\n".join(lines))
    if worse:
        print(f"{len(worse)} of {len(new.found)} ratios are worse than the baseline beyond the noise", file=sys.stderr)
    return int(bool(worse))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("keep", "check"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
