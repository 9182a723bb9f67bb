"""What the page carries inside: styles, scripts, pictures, and the policy that forbids everything else."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from harness import outgoing
from harness.reports.formatting import shown_values

REPORTS = Path(__file__).parents[1]
TEMPLATES = Path(__file__).parent / "templates"


class Script(NamedTuple):
    """A script of a page: its ``text``, or the address of a file of the same site as ``source``."""

    text: str = ""
    source: str = ""


def style() -> str:
    """Return the style of every page: the base first, then that of each part by name, and what holds in print last."""
    order = {"base": -1, "print": 1}
    parts = sorted((TEMPLATES / "styles").glob("*.css"), key=lambda path: (order.get(path.stem, 0), path.stem))
    return "\n".join(path.read_text(encoding="utf-8") for path in parts)


def script(name: str) -> str:
    """Return a script of ours."""
    return (TEMPLATES / "scripts" / f"{name}.js").read_text(encoding="utf-8")


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


def vega_file() -> str:
    """Return the name under which a site holds `vega`: another one for another content."""
    return f"vega-{hashlib.sha256(vega().encode()).hexdigest()[:16]}.js"


def inert_json(value: Any) -> str:
    """Return JSON for a script element, its texts `shown`: none of them can end the element."""
    text = json.dumps(shown_values(value), separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def policy(style: str, scripts: Sequence[Script]) -> str:
    """Return a Content-Security-Policy under which only these very texts act, and nothing else is loaded.

    A script with a source is allowed as a file of the same site: by its hash, browsers refuse one that lies on a disk.
    """
    sources = ("'self'" if script.source else _hash(script.text) for script in scripts)
    allowed = " ".join(dict.fromkeys(sources)) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


INDEX_MARK = "prune-harness index"

VERSIONS_MARK = "prune-harness versions"

REPORT_MARK = "prune-harness report"
