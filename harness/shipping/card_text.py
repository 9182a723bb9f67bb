"""The model card for people, in Markdown. Source of the headings: Mitchell et al. (2019), section 4."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.outgoing.visible import visible
from harness.portable.nameplate import Nameplate

Card = Mapping[str, Any]

MARK = "<!-- model card of prune-harness -->"


def markdown(card: Card) -> str:
    """Return the card as Markdown; every character of it visible."""
    plate = Nameplate.from_json(card["cell"], "the card")
    sections: dict[str, Callable[[Card], Iterable[str]]] = {
        "Read this first": lambda card: card["limits"],
        "Model details": _details,
        "Intended use": lambda card: [card["intended_use"]],
        "Factors": _factors,
        "Metrics": _metrics,
        "Evaluation data and training data": _data,
        "Quantitative analyses": _figures,
        "Licences": _licences,
        "How it was made": _made,
        "Missing from this card": lambda card: card["missing"] or ["Nothing."],
    }
    lines = [MARK, f"# {_code(plate.cell)} on {plate.dataset}", ""]
    for title, section in sections.items():
        lines += [f"## {title}", "", *(f"- {visible(one)}" for one in section(card)), ""]
    return "\n".join(lines)


def _code(text: str) -> str:
    return f"`{visible(text)}`"


def _details(card: Card) -> Iterable[str]:
    network, method, file = card["network"], card["method"], card["file"]
    start = network["start_weights"]
    yield f"File: `{file['name']}` ({file['format']}), {file['bytes']:,} bytes, {file['compressed']:,} by zstd"
    yield f"sha256: `{file['sha256']}`"
    yield (
        f"Network: {network['architecture']}, {_known(network['parameters'])} parameters,"
        f" {_known(network['flops'])} FLOPs an image"
    )
    yield f"Bits of a weight: {network['bits']}"
    yield f"Remaining: {_percent(network['density'])} of the dense network's weights"
    yield f"Method: `{method['entry']}` ({method['family']}). {method['description']}".rstrip()
    yield f"Source: {method['source'] or 'not told'}"
    yield f"Made by: {method['version'] or 'not told'}{', ' + method['author'] if method['author'] else ''}"
    yield f"Start weights: {start['what']} (`{start['name']}`)"
    yield (
        f"Input: uint8 RGB images (N, {', '.join(map(str, network['input']))}); normalisation is inside."
        f" An image file becomes such a square by: {card['cell']['preprocessing']['resize']}"
    )
    yield "Output: a score an image; an image is called positive when its score lies above the cut"


def _factors(card: Card) -> Iterable[str]:
    negative, positive = card["data"]["classes"]
    yield f"Classes: {negative} (negative), {positive} (positive, the one not to miss)"
    yield "Groups of patients, skin tones, cameras or sites were not told apart here"


def _metrics(card: Card) -> Iterable[str]:
    cuts = card["thresholds"]
    yield f"Operating cut `{cuts['operating']}`: keeps {_percent(cuts['keeps'])} of the validation positives"
    for name, cut in cuts["cuts"].items():
        sure = cut["confidence"]
        reached = "" if sure is None else f"; its true sensitivity reaches what it keeps with probability {sure:.2f}"
        yield f"Cut `{name}`: {cut['value']:.9g}{reached}"
    if card["leaderboard"]:
        yield card["leaderboard"]["terms"]


def _data(card: Card) -> Iterable[str]:
    data = card["data"]
    yield f"{data['dataset']}, version {data['dataset_version']}. {data['citation'] or ''}".rstrip()
    fold = f"fold {data['fold']} of {data['folds']}" if data["folds"] else "the publisher's test images"
    yield f"Tested on: {fold}"
    counts = data["counts"] or {}
    for split in (one for one in ("train", "validation", "test") if one in counts):
        yield f"{split}: {counts[split]['p']} positives, {counts[split]['n']} negatives"
    schedule = card["training"]["schedule"] or {}
    yield f"Training: {', '.join(f'{name} {value}' for name, value in schedule.items()) or 'not told'}"


def _figures(card: Card) -> Iterable[str]:
    own, board, agreed = card["this_network"], card["leaderboard"], card["file"]["agreement"]
    if board:
        yield f"Answer at this level: **{board['answer']}**. {board['why']}"
        for title, name in (("AUC-ROC", "auc"), ("Sensitivity at equal false alarms", "sensitivity")):
            yield f"{title}, mean of {board['networks']} networks: {_estimate(board['figures'][name])}"
    yield f"AUC-ROC of this network: {_over_images(own['auc'])}"
    yield f"Its sensitivity at {_percent(own['fpr'])} false alarms: {_over_images(own['sensitivity'])}"
    for title, name in (("Positives missed", "missed"), ("False alarms", "alarms")):
        rate = own[name]
        low, high = rate["interval"]
        yield (
            f"{title} by this network at the operating cut: {rate['k']}/{rate['n']}, {_percent(rate['k'] / rate['n'])}"
            f" (95 % interval {_percent(low)} to {_percent(high)}, Clopper-Pearson)"
        )
    yield (
        f"The file itself, by {agreed['runtime']}: {agreed['images']:,} validation and test images scored, the largest"
        f" difference {agreed['largest'] / agreed['sd']:.1e} sd of the scores, {agreed['changed']} on the other side of"
        " the operating cut"
    )


def _licences(card: Card) -> Iterable[str]:
    yield f"Images: {card['data']['licence'] or 'not told'}"
    yield f"Start weights: {card['network']['start_weights']['licence'] or 'not told'}"
    if card["network"]["start_weights"]["name"].startswith("imagenet"):
        yield "ImageNet's images are for research that is not commercial; what that means for weights is disputed"
    yield f"Method: {card['method']['version'] or 'not told'}"


def _made(card: Card) -> Iterable[str]:
    yield f"`{card['command']}`"
    yield f"Results by: `{card['made_by']['command']}`"
    yield f"On: {card['made_by']['environment']}"
    yield f"Run {card['cell']['run']} of group {card['cell']['group']}"
    yield ", ".join(f"{name} {version}" for name, version in card["versions"].items())


def _estimate(found: Card | None) -> str:
    if found is None:
        return "not known"
    low, high = found["method"] or found["these_networks"]
    whose = "other networks of the method" if found["method"] else "these networks on other images"
    return f"{found['value']:.3f} (95 % interval {low:.3f} to {high:.3f}, {whose})"


def _known(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"


def _over_images(found: Card) -> str:
    low, high = found["interval"]
    return f"{found['value']:.3f} (95 % interval {low:.3f} to {high:.3f}, on other images)"


def _percent(value: float | None) -> str:
    return "an unknown share" if value is None else f"{100 * value:.3g} %"
