"""Names of data sets and networks as names of folders: safe, readable, never shared by two."""

import hashlib
import re
import unicodedata

PLAIN_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
LONGEST = 64
# Windows takes these for devices, whatever their ending.
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in range(10))}


def slug(name: str) -> str:
    """Return a folder name of a-z, 0-9, "-" and "_", at most 64 characters.

    Short plain names stay as they are. Others keep what can be kept and get a hash behind "--", which stands in
    no plain name; capital letters count as odd, since some file systems take "A" for "a".
    """
    if len(name) <= LONGEST and PLAIN_NAME.fullmatch(name) and name not in DEVICES:
        return name
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")[:40].strip("-") or "name"
    # Half a surrogate pair, from a file name say, has a hash too.
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{readable}--{digest[:12]}"
