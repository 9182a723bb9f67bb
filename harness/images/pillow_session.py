"""Pillow at work for one caller at a time: what libraries say is heard, not shown, and its own limit of pixels off."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from harness.images import libtiff

_one_session = threading.Lock()  # what a session changes belongs to the whole process: two would restore each other's
_thread = threading.local()


@dataclass
class Heard:
    """What libraries said of one image: warnings, after which they went on, and errors."""

    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def pillow_session() -> Iterator[None]:
    """Let `listening` hear the decoders until the block ends; warnings of other threads go on as before."""
    with _one_session, warnings.catch_warnings(), libtiff.errors_to(_hear_error):
        warnings.filterwarnings("always", module=r"PIL\.")  # each time, not the first of each place
        show, limit = warnings.showwarning, Image.MAX_IMAGE_PIXELS

        def hear(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            heard: Heard | None = getattr(_thread, "heard", None)
            if heard is None:
                show(message, category, *where, **more)
            else:
                heard.warnings.append(str(message))

        warnings.showwarning = hear
        Image.MAX_IMAGE_PIXELS = None  # `harness.images.image_file` holds each header to the user's
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def listening() -> Iterator[Heard]:
    """Give what libraries say in this thread until the block ends: of one image. Within a `pillow_session`."""
    _thread.heard = Heard()
    try:
        yield _thread.heard
    finally:
        _thread.heard = None


def _hear_error(text: str) -> None:
    heard: Heard | None = getattr(_thread, "heard", None)
    if heard is not None:
        heard.errors.append(text)
