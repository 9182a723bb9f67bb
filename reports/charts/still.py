"""Charts as still pictures: for print, for papers, and where JavaScript is off."""

import base64
from typing import Any

from harness.reports.formatting import shown_values


def picture(specification: dict[str, Any]) -> str:
    """Return charts as an image in a data URL."""
    import vl_convert

    drawing = str(vl_convert.vegalite_to_svg(shown_values(specification))).encode()
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing).decode()}"
