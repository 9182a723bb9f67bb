import threading
import warnings

import pytest
from PIL import Image

from harness.images.pillow_session import listening, pillow_session

PILLOW = {"category": UserWarning, "filename": "/PIL/TiffImagePlugin.py", "lineno": 1, "module": "PIL.TiffImagePlugin"}


def warn(text, **changes):
    warnings.warn_explicit(text, **PILLOW | changes)


def test_a_thread_hears_its_own_images_warnings_each_time(recwarn):
    heard = {}

    def decode(name):
        for _ in range(2):
            with listening() as one:
                both.wait(10)
                warn(f"of {name}")
                warn(f"of {name}")
            heard.setdefault(name, []).append(one.warnings)

    both = threading.Barrier(2)
    with pillow_session():
        threads = [threading.Thread(target=decode, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert heard == {name: [[f"of {name}"] * 2] * 2 for name in "ab"}
    assert not recwarn


def test_warnings_of_others_go_on_as_before():
    with pytest.warns(UserWarning, match="from elsewhere"), pillow_session():
        warn("from elsewhere", module="elsewhere")
    with pytest.raises(UserWarning, match="an error"), pillow_session():  # by this project's own filters
        warn("an error", module="elsewhere")


def test_a_session_leaves_the_process_as_it_was():
    filters, show, limit = list(warnings.filters), warnings.showwarning, Image.MAX_IMAGE_PIXELS
    for error in (None, ValueError):
        try:
            with pillow_session():
                assert Image.MAX_IMAGE_PIXELS is None
                if error:
                    raise error
        except ValueError:
            pass
        assert (list(warnings.filters), warnings.showwarning, Image.MAX_IMAGE_PIXELS) == (filters, show, limit)


def test_two_sessions_follow_each_other():
    # Each restores what it found: two at once would restore each other's.
    inside, before = [], list(warnings.filters)

    def work(number):
        for _ in range(20):
            with pillow_session():
                inside.append(number)
                assert len({*inside}) == 1
                inside.clear()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
