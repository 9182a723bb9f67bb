"""Every random draw comes from (seed, purpose, ...), never from global state, order or workers."""

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derived_seed(seed: int, *tags: str | int) -> int:
    """Return a 63-bit seed for ``(seed, *tags)``, the same on every machine and in every process."""
    text = json.dumps([seed, *tags], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *tags: str | int) -> "torch.Generator":
    """Return a fresh CPU generator for ``(seed, *tags)``; draws are made on the CPU, so devices agree."""
    import torch  # tuning asks for seeds alone

    return torch.Generator().manual_seed(derived_seed(seed, *tags))
