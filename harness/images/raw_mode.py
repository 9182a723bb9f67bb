"""How the values of a picture lie in its file, and what Pillow makes of them: read before they are loaded."""

from PIL import Image, TiffTags
from PIL.ImageFile import ImageFile

from harness.images.image_file import UnreadableFileError

_SMALL_GREYS = {"L;2": 85, "L;4": 17}  # 2 and 4 bits: what Pillow multiplies them by
_PHOTOMETRIC = next(number for number, tag in TiffTags.TAGS_V2.items() if tag.name == "PhotometricInterpretation")


def raw_mode(image: ImageFile) -> str:
    """Return Pillow's raw mode of the file's values; empty where it does not say."""
    arguments = image.tile[0].args if image.tile else ""
    return str(arguments[0]) if isinstance(arguments, tuple) and arguments else str(arguments or "")


def is_deep_grey(image: Image.Image) -> bool:
    """Return whether the picture is one of greys of up to 16 bits; Pillow opens such a PGM in mode I."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")


def is_deep_colour(image: ImageFile) -> bool:
    """Return whether the file holds 16 bits a channel, of which Pillow gives the upper 8."""
    arguments = image.tile[0].args if image.tile else ()
    return not is_deep_grey(image) and (";16" in raw_mode(image) or arguments == ("RGB", 65535))


def mend(image: ImageFile) -> None:
    """Scale a transparent grey of 2 or 4 bits, which Pillow leaves as it is beside scaled pixels.

    Raises `UnreadableFileError` where Pillow would have to guess which way round a value is meant.
    """
    key, factor = image.info.get("transparency"), _SMALL_GREYS.get(raw_mode(image))
    if factor and isinstance(key, int):
        image.info["transparency"] = key * factor
    if "transparency" in image.info and (is_deep_grey(image) or is_deep_colour(image)):
        raise UnreadableFileError(
            "16 bits with one transparent value: save it with 8 bits, or without the transparency"
        )
    if is_deep_grey(image) and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
        raise UnreadableFileError("16 bits with zero as white: save it with zero as black")
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        raise UnreadableFileError("four inks without Adobe's mark, which says that they are inverted: save it as RGB")
