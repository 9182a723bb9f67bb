"""Which network to ship, in words; or which limit is in the way, and what would decide."""

from collections.abc import Iterator, Mapping

from harness.evaluation.safety import Answer, Needed
from harness.evaluation.terms import Terms
from harness.reports.analysis.candidates import Axis, Candidate, Dense
from harness.reports.analysis.choosing import Choice, Decision
from harness.reports.analysis.estimates import sensitivity
from harness.reports.analysis.verdicts import ALPHA
from harness.reports.formatting import listed, numbered, percent, points, share
from harness.reports.words.sizes import OPTIONS, named, size, which, written
from harness.reports.words.verdicts import lift, needed, reason, why

RULE = "the highest sensitivity on its own validation images, where no test image has a say"
NOTHING = Needed(None, None)
NO_BYTES = "results of an older harness have no size/bytes: the `harness run` that made them, given again, adds it"
NO_LATENCY = "nothing was measured there: `harness measure` does"


def decision(found: Choice) -> list[str]:
    """Return what came of it; the first sentence is the answer."""
    match found.decision:
        case Decision.CHOSEN:
            return [*(_chosen(found, found.chosen) if found.chosen else _dense(found, found.dense)), *_smaller(found)]
        case Decision.NONE:
            return [f"No network can: {_why_none(found)}."]
        case Decision.UNDECIDED:
            return [*_undecided(found), *_until_then(found)]


def _chosen(found: Choice, one: Candidate) -> Iterator[str]:
    judged = one.step.judgement
    assert judged is not None
    yield f"Ship {named(one)}: {size(one.sizes)}."
    yield f"Its entry {why(one.step, terms(found))}."
    bound = points(judged.loss.upper(1 - ALPHA / found.entries))
    if found.entries > 1:
        yield (
            f"Choosing among {numbered(found.entries, 'entry', 'entries')} is paid for: at a confidence of"
            f" {share(1 - ALPHA / found.entries)} the loss is still at most {bound}."
        )
    yield from network(one)


def network(one: Candidate | Dense) -> Iterator[str]:
    """Yield which of its networks it is and why, and what it finds itself on test images."""
    known = "" if one.validated is None else f" ({share(one.validated)})"
    if one.networks > 1:
        yield f"Of its {one.networks} networks this is the one with {RULE}{known}."
    own = sensitivity([one.network])
    if own is not None:
        low, high = own.these
        of_its_entry = "; the loss above is that of its entry" if isinstance(one, Candidate) else ""
        yield (
            f"It finds {share(own.value)} of its test positives at {percent(one.network.terms.fpr)} false alarms (95%"
            f" interval over images: {share(low)} to {share(high)}){of_its_entry}."
        )


def _dense(found: Choice, one: Dense | None) -> Iterator[str]:
    assert one is not None
    yield f"Ship the dense network, {which(one.network)}: {size(one.sizes)}."
    yield f"Every smaller network {_within(found)}is shown to lose positives, it or a denser level of its entry."
    yield from network(one)


def _smaller(found: Choice) -> Iterator[str]:
    if found.hopeful:
        yield f"A smaller candidate, safe when looked at alone: {named(found.hopeful)}, {size(found.hopeful.sizes)}."


def _why_none(found: Choice) -> str:
    if not found.fitting:
        does = f"; the dense network does ({size(found.dense.sizes)})" if found.dense and found.dense_fits else ""
        return f"none of {numbered(len(found.candidates), 'pruned network')} keeps within {_limits(found)}{does}"
    return f"every network {_within(found)}is shown to lose positives, it or a denser level of its entry"


def _undecided(found: Choice) -> Iterator[str]:
    one = found.hopeful
    if one is not None:
        entries = numbered(found.entries, "entry", "entries")
        yield f"Not decided: {named(one)} ({size(one.sizes)}) is a candidate, safe when looked at alone."
        assert one.step.judgement is not None
        yield f"Its entry {reason(one.step.judgement, terms(found))}; choosing among {entries} asks for more than that."
        yield f"An entry that is named before its results are seen needs no such correction: --entry {one.entry!r}."
        yield from network(one)
    elif not found.candidates:
        but = ", but for controls, which are chosen where --entry names them" if found.controls else ""
        yield f"Not decided: nothing was pruned yet{but}."
    elif found.unknown:
        yield f"Not decided: {listed([_unknown(axis) for axis in found.unknown])}."
    else:
        yield f"Not decided: no network {_within(found)}is shown to lose less than {_most(found)}."
        yield from _weak(found)
    if found.nearest and found.nearest.needed != NOTHING and not found.hopeful:
        yield f"{named(found.nearest)} is nearest: {needed(found.nearest.needed)}."


def _weak(found: Choice) -> Iterator[str]:
    """Say that the dense network is too weak, where that is what stops a network within the limits."""
    stops = [one.stop.judgement for one in found.fitting if one.stop and one.stop.judgement]
    weak = [one for one in stops if one.answer in (Answer.TOO_WEAK, Answer.NOT_SHOWN_STRONG)]
    if weak:
        text = lift(weak[0].lift, terms(found))
        yield f"{text[0].upper()}{text[1:]}."


def _unknown(axis: Axis) -> str:
    word, why_not = _UNKNOWN[axis]
    return f"the {word} of some networks is not known, which {OPTIONS[axis]} asks about ({why_not})"


_UNKNOWN: Mapping[Axis, tuple[str, str]] = {
    Axis.BYTES: ("size in bytes", NO_BYTES),
    Axis.LATENCY: ("latency", NO_LATENCY),
    Axis.MACS: ("number of MACs left", "it was not counted"),
    Axis.PARAMETERS: ("number of parameters", "it was not counted"),
}


def _until_then(found: Choice) -> Iterator[str]:
    if found.dense and found.dense_fits:
        yield f"Until then the dense network keeps within what is asked for: {size(found.dense.sizes)}."


def binding(found: Choice) -> list[str]:
    """Return what each limit, and the loss, would have to be for a network to be chosen, one of them moved alone."""
    if found.decision == Decision.CHOSEN:
        return []
    lines = [_without(axis, one) for axis, one in found.relaxed.items() if not found.hopeful or (one and one.sure)]
    if found.margin is not None:
        margin, one = found.margin
        lines.append(f"--max-loss {margin:g}: {named(one)} would be chosen, {size(one.sizes)}")
    elif found.fitting and not found.unknown:
        lines.append("no --max-loss alone would do")
    return lines


def _without(axis: Axis, one: Candidate | None) -> str:
    if one is None:
        return f"without {OPTIONS[axis]} alone there would be none either"
    word = "be chosen" if one.sure else "be a candidate"
    lifted = f"{OPTIONS[axis]} {written(axis, one.sizes[axis])}" if axis in one.sizes else f"without {OPTIONS[axis]}"
    return f"{lifted}: {named(one)} would {word}"


def terms(found: Choice) -> Terms:
    """Return by what the candidates were judged."""
    return Terms(fpr=found.wanted.fpr, delta=found.wanted.max_loss)


def _within(found: Choice) -> str:
    return f"within {_limits(found)} " if found.wanted.limits else ""


def _limits(found: Choice) -> str:
    return listed([f"{OPTIONS[axis]} {written(axis, limit)}" for axis, limit in found.wanted.limits.items()])


def _most(found: Choice) -> str:
    return f"{points(found.wanted.max_loss)} of the positives"
