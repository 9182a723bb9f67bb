"""libtiff's errors, which it prints to the terminal without a file's name, given to a function instead."""

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import _imaging

_LONGEST = 300
_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)  # module, format, va_list


@contextmanager
def errors_to(hear: Callable[[str], None]) -> Iterator[None]:
    """Have ``hear`` called with each error text, in the thread that decodes, until the block ends.

    Where Pillow's libtiff cannot be reached, a build with all in one file, it goes on printing.
    """

    def handle(_module: bytes | None, form: bytes, arguments: int) -> None:
        text = ctypes.create_string_buffer(_LONGEST)
        ctypes.CDLL(None).vsnprintf(text, ctypes.c_size_t(_LONGEST), form, ctypes.c_void_p(arguments))
        hear(text.value.decode(errors="replace"))

    exchange, handler = None, _HANDLER(handle)
    with contextlib.suppress(OSError, AttributeError):
        exchange = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    if exchange is None:
        yield
        return
    exchange.restype, exchange.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    before = exchange(ctypes.cast(handler, ctypes.c_void_p))
    try:
        yield
    finally:
        exchange(before)
