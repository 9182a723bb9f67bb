"""What a network is for, what takes its figures their meaning, and what its card cannot say."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.evaluation.safety import FEWEST_NETWORKS
from harness.initial.weights_choice import is_trained
from harness.results.method_facts import OF_REFERENCES

Card = Mapping[str, Any]

INTENDED = (
    "Research on how small a network may get before it misses more positives. It is not a medical device, nor cleared"
    " or validated for any clinical, safety or industrial decision; whoever wants that validates it anew, on images of"
    " the place where it is to run."
)


def limits(card: Card) -> list[str]:
    """Return what a reader must know before the figures, the gravest first; a sentence each."""
    return [*of_images(card["data"]), *_of_evidence(card), *_of_network(card)]


def of_images(data: Card) -> Iterator[str]:
    """Yield what takes figures on these images their meaning; ``data`` as in a provenance, of which parts may lack."""
    if stands_for := data.get("fallback_for"):
        yield f"SIMULATED IMAGES stand in for {stands_for}: no figure here is a result on it."
    elif data.get("simulated"):
        yield "SIMULATED IMAGES: a program drew what it was trained and tested on; of real images it knows nothing."
    for split, count in (data.get("partial") or {}).items():
        yield f"PARTIAL DATA: {count['found']} of the {count['expected']} {split} images were there."
    if broken := data.get("broken"):
        yield f"{len(broken)} images that could not be read were left out."
    if data.get("duplicates_allowed"):
        yield "An image may be in training and in test: duplicates were allowed."
    if imbalance := data.get("imbalance"):
        yield f"It was trained at {imbalance:g} negatives per positive, on a part of the images."
    if recipe := data.get("recipe"):
        yield f"{_sentence(recipe)}."
    yield from data.get("caveats") or ()


def of_flags(*, collapsed: bool, disconnected: bool) -> Iterator[str]:
    """Yield what a network does that no longer tells images apart."""
    if collapsed:
        yield "THE NETWORK HAS COLLAPSED: its scores tell no image from another."
    if disconnected:
        yield "THE NETWORK IS DISCONNECTED: no path leads from its input to its output."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_evidence(card: Card) -> Iterator[str]:
    board = card["leaderboard"] or {}
    if board.get("networks", 0) < FEWEST_NETWORKS:
        yield "One run is an anecdote: what another training of the same would give is not known."
    else:
        yield (
            f"The answer is on the method, over {board['networks']} networks; this file is one of them, and its own"
            " figures are those of these test images alone."
        )
    if board.get("control"):
        yield "Its method is a control, which chooses weights by chance: nobody should ship it."
    yield (
        "Whoever chose this network by its test figures has used these images up: its figures are then better than they"
        " will be on others."
    )


def _of_network(card: Card) -> Iterator[str]:
    network, file = card["network"], card["file"]
    if is_trained(network["start_weights"]["name"]):
        yield (
            "TRAINED ELSEWHERE: the dense network was brought. Whether it has seen the test images only who trained it"
            " knows; if it has, no figure here is one on new images."
        )
    yield from of_flags(collapsed=network["collapsed"], disconnected=network["disconnected"])
    if changed := file["agreement"]["changed"]:
        yield (
            f"{changed} of its scored images lie on the other side of the operating cut than with the published scores:"
            " that cut stands just below a validation positive's score, and rounding moves it across."
        )
    if network["bits"] == 8:
        yield "It is in int8: its figures and cuts are those of this file, not of the network that it was made from."
    if (network["density"] or 1) < 1 and not network["narrowed"]:
        yield "Its pruned weights are zeros: they save bytes where zeros are packed, and no time."
    yield "The operating cut was fixed on validation images: another camera or another clinic may need another."


def missing(card: Card) -> list[str]:
    """Return what the card should say and nobody told."""
    data, method, network = card["data"], card["method"], card["network"]
    reference = method["family"] == OF_REFERENCES
    told = {
        "licence of the images": _stated(data["licence"]),
        "citation of the images": _stated(data["citation"]),
        "what the method does": reference or method["description"],
        "paper of the method": reference or method["source"],
        "licence of the start weights": network["start_weights"]["licence"],
        "parameters": network["parameters"] is not None,
        "FLOPs": network["flops"] is not None,
        "training schedule": card["training"]["schedule"],
        "answer of the leaderboard": card["leaderboard"],
    }
    return [what for what, known in told.items() if not known]


def _stated(text: str | None) -> bool:
    return bool(text) and "not stated" not in str(text)
