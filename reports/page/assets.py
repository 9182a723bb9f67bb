"""What the page carries inside: styles, scripts, pictures, and the policy that forbids everything else."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness import outgoing
from harness.reports.formatting import shown_values

REPORTS = Path(__file__).parents[1]
TEMPLATES = Path(__file__).parent / "templates"


def asset(name: str) -> str:
    """Return a style or script of ours."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def looks() -> str:
    """Return what changes with the looks of a page: a hash of the sources behind it and of what draws the charts."""
    sources = sorted([*REPORTS.rglob("*.py"), *REPORTS.rglob("templates/**/*")])
    sources += sorted(Path(outgoing.__file__).parent.glob("*.py"))
    parts = [f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in sources if path.is_file()]
    parts += [version(package) for package in ("altair", "vl-convert-python")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@cache
def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script that needs no network, about 0.9 MB."""
    import vl_convert

    # A closing tag can only stand in a string of the script, where its escape means the same. A browser reads
    # \r\n as \n before it compares the hash of the policy.
    bundle = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    return bundle.replace("\r\n", "\n").replace("</script", "<\\/script")


def picture(specification: dict[str, Any]) -> str:
    """Return charts as an image in a data URL: for print, and where JavaScript is off."""
    import vl_convert

    drawing = str(vl_convert.vegalite_to_svg(shown_values(specification))).encode()
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing).decode()}"


def inert_json(value: Any) -> str:
    """Return JSON for a script element, its texts `shown`: none of them can end the element."""
    return json.dumps(shown_values(value)).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def policy(style: str, scripts: Sequence[str]) -> str:
    """Return a Content-Security-Policy under which only these very texts act and nothing is loaded."""
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


INDEX_MARK = "prune-harness index"

REPORT_MARK = "prune-harness report"
