"""What stands in the place of an image that cannot be had."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unreadable:
    """Why an image cannot be had, in words."""

    reason: str
