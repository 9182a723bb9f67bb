"""A line between a job's process and the one that started it: whole messages or none, whenever one end dies."""

import pickle
import select
import socket
import struct
from enum import IntEnum
from typing import Any, Protocol

_HEADER = struct.Struct("!QB")
_CHUNK = 1 << 16


class Weight(IntEnum):
    """What a message means to who passes it on unread."""

    RESULT = 0
    LAST = 1
    """It ends the job."""
    ASIDE = 2
    """No result: it gives the job no more time."""


class Line(Protocol):
    """What a job speaks to its parent by."""

    def send(self, message: Any, weight: Weight = Weight.RESULT) -> None:
        """Send one message."""
        ...

    @property
    def free(self) -> bool:
        """Whether a short message can be sent without waiting for who reads it."""
        ...

    def recv(self) -> Any:
        """Wait for the next message and return it. Raises EOFError where the other end is gone."""
        ...


class Channel:
    """One end: `send` and `recv` for the job, `arrived` and `forward` for who passes its messages on unread."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._bytes = bytearray()

    @classmethod
    def pair(cls) -> tuple["Channel", "Channel"]:
        """Return both ends."""
        ours, theirs = socket.socketpair()
        return cls(ours), cls(theirs)

    def __reduce__(self) -> tuple[Any, ...]:
        """Be handed to a spawned process; only before anything was received."""
        return Channel, (self._end,)

    def fileno(self) -> int:
        """Return the descriptor that a message can be waited for by."""
        return self._end.fileno()

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    @property
    def free(self) -> bool:
        """Whether a short message can be sent without waiting for who reads it."""
        asked = select.poll()  # `select` knows no descriptor above 1023
        asked.register(self._end, select.POLLOUT)
        return bool(asked.poll(0))

    def send(self, message: Any, weight: Weight = Weight.RESULT) -> None:
        """Send one message."""
        self.forward(pickle.dumps(message), weight)

    def forward(self, data: bytes, weight: Weight = Weight.RESULT) -> None:
        """Send one message that is pickled already."""
        self._end.sendall(_HEADER.pack(len(data), weight) + data)

    def recv(self) -> Any:
        """Wait for the next message and return it. Raises EOFError where the other end is gone."""
        while (whole := self._whole()) is None:
            self._read()
        return pickle.loads(whole[0])  # noqa: S301 - of who started this process

    def arrived(self) -> list[tuple[bytes, int]]:
        """Return the (pickled message, its weight) that are here, after one read that is known not to wait.

        Raises EOFError where the other end is gone; what it had sent of a message is dropped.
        """
        self._read()
        found = []
        while (whole := self._whole()) is not None:
            found.append(whole)
        return found

    def _read(self) -> None:
        try:
            data = self._end.recv(_CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError
        self._bytes += data

    def _whole(self) -> tuple[bytes, int] | None:
        if len(self._bytes) < _HEADER.size:
            return None
        length, weight = _HEADER.unpack_from(self._bytes)
        end = _HEADER.size + length
        if len(self._bytes) < end:
            return None
        data = bytes(self._bytes[_HEADER.size : end])
        del self._bytes[:end]
        return data, weight
