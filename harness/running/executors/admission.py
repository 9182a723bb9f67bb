"""What a node must have in common with who made the plan, before it computes anything: code, machine class, store."""

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import plugins
from harness.children import apart
from harness.environment import environment_class
from harness.errors import HarnessError
from harness.running.own_code import code_digest
from harness.storage.mirror import local_folder_of

SEEN_S = 5.0
"""That a file of another machine may take to appear in a shared folder."""
_POLL_S = 0.25


@dataclass(frozen=True)
class Mark:
    """A file that the command wrote into its store: who reads it there has the same folder."""

    file: str
    token: str

    @classmethod
    def left_in(cls, store: Path) -> "Mark":
        """Return one, written now; who leaves it takes it away by `remove`."""
        token = secrets.token_hex(16)
        file = store / "temporary" / f"seen.{token}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(token)
        return cls(str(file), token)

    def remove(self) -> None:
        """Take it away."""
        Path(self.file).unlink(missing_ok=True)

    def is_seen(self) -> bool:
        """Return whether this machine sees it, perhaps a moment later."""
        until = time.monotonic() + SEEN_S
        while not self._is_here():
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_S)
        return True

    def _is_here(self) -> bool:
        try:
            return Path(self.file).read_text() == self.token
        except OSError:
            return False


@dataclass(frozen=True)
class Admission:
    """What is asked of a node. ``plugins``: source by (group, name) of what the plan uses of other distributions.

    ``weights`` is a file that it must have, too. ``mark`` None: the store is no folder that machines share, but on
    object storage at the address ``shared``.
    """

    code: str
    device: str
    environment: str
    plugins: Mapping[tuple[str, str], str]
    weights: str | None
    mark: Mark | None
    shared: str = ""

    def refusal(self) -> str:
        """Return why this machine may not work, or an empty text."""
        return next(self._faults(), "")

    def _faults(self) -> Iterator[str]:
        if self.code != code_digest():
            yield "its harness is another one than the command's: install the same version on every node"
            return  # nothing of the plan need mean the same here
        for (group, name), source in self.plugins.items():
            here = plugins.available(group).get(name)
            if here is None or here.source != source:
                yield f"it has {name!r} of {here.source if here else 'nobody'}, the command has {source}"
        environment = environment_class(self.device)
        if environment != self.environment:
            yield f"it is {environment!r}, the plan's class is {self.environment!r}: bits would differ"
        if self.weights is not None and not Path(self.weights).is_file():
            yield f"it does not see the start weights {self.weights}: put them where all nodes do, and name that file"
        if self.mark is not None and not self.mark.is_seen():
            store = Path(self.mark.file).parent.parent
            yield f"it does not see the store {store} of the command: name a folder by --store that all nodes share"
        if self.shared and (fault := apart(self._storage_fault)) != "":  # in a fork: threads stay behind
            yield f"it cannot use the store {self.shared}: {fault or 'its process died over that'}"

    def _storage_fault(self) -> str:
        from harness.storage.store import Store

        try:
            Store(local_folder_of(self.shared)).reach()
        except HarnessError as error:
            return error.message
        return ""
