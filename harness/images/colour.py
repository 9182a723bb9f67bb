"""From a picture in any of Pillow's modes to RGB of 8 bits, one rule for each; docs/data.md has them as a table."""

import numpy as np
from PIL import Image

from harness.images.image_file import UnreadableFileError
from harness.images.raw_mode import is_deep_grey

BACKGROUND = (255, 255, 255)
"""What lies behind transparent pixels: white, as on a page."""

FULL_WHITE = 65535

_STRAIGHT = {"La": "LA", "RGBa": "RGBA"}  # colours that were multiplied by their opacity, and how to undo it
_CONVERTED = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")


def as_rgb(image: Image.Image, white: int = FULL_WHITE) -> Image.Image:
    """Return the picture in mode RGB. ``white`` is the value of 16-bit greys that becomes 255, none is above it.

    Greys of 16 bits become floor(255 value / white). Raises `UnreadableFileError` for what has no stated range.
    """
    if is_deep_grey(image):
        values = np.asarray(image).astype(np.uint32)
        return Image.fromarray((values * 255 // white).astype(np.uint8)).convert("RGB")
    if image.mode not in (*_CONVERTED, *_STRAIGHT):
        raise UnreadableFileError(
            f"mode {image.mode} has no stated range: save it with 8 or 16 bits a value, from black to white"
        )
    straight = image.convert(_STRAIGHT[image.mode]) if image.mode in _STRAIGHT else image
    if not straight.has_transparency_data:
        return straight.convert("RGB")
    below = Image.new("RGBA", straight.size, (*BACKGROUND, 255))
    return Image.alpha_composite(below, straight.convert("RGBA")).convert("RGB")
