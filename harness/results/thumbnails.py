"""Pictures of tested positives, read back: by test part and image, those alone that are what they should be."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping

from harness.results.published import ReadDocument

LARGEST = 16_000
"""Bytes; a picture of 96 pixels has a fifth of it."""
_JPEG = b"\xff\xd8\xff"

Thumbnails = Mapping[str, Mapping[str, str]]
"""By test part and image: a JPEG in base64."""


def thumbnails_of(documents: Iterable[ReadDocument]) -> Thumbnails:
    """Return the pictures that documents hold, the newest of each image; what is no small JPEG is left out."""
    found: dict[str, dict[str, str]] = {}
    for document in documents:
        try:
            content = json.loads(document.text)
            part, images = str(content["test_part"]), dict(content["images"])
        except (ValueError, KeyError, TypeError):
            continue
        found.setdefault(part, {}).update({name: text for name, text in images.items() if _is_small_jpeg(text)})
    return found


def _is_small_jpeg(text: object) -> bool:
    if not isinstance(text, str) or len(text) > LARGEST * 4 / 3:
        return False
    try:
        return base64.b64decode(text, validate=True).startswith(_JPEG)
    except (binascii.Error, ValueError):
        return False
