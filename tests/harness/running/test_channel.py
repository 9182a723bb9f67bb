import socket
import threading

import pytest

from harness.running.channel import Channel, Weight


def all_arrived(channel):
    """Return all messages up to the end of the line."""
    found = []
    try:
        while True:
            found += channel.arrived()
    except EOFError:
        return found


def sent(*chunks):
    ours, theirs = socket.socketpair()
    for chunk in chunks:
        theirs.sendall(chunk)
    theirs.close()
    channel = Channel(ours)
    found = all_arrived(channel)
    channel.close()
    return found


def framed(data, last):
    return len(data).to_bytes(8, "big") + bytes([last]) + data


def test_messages_arrive_as_they_were_sent_however_they_are_cut():
    whole = framed(b"one", False) + framed(b"", False) + framed(b"three" * 10, True)
    expected = [(b"one", False), (b"", False), (b"three" * 10, True)]
    assert sent(whole) == expected
    assert sent(*(bytes([byte]) for byte in whole)) == expected


@pytest.mark.parametrize("kept", [0, 4, 9, 11])
def test_half_a_message_is_dropped(kept):
    assert sent(framed(b"one", False), framed(b"two", False)[:kept]) == [(b"one", False)]


def test_both_ends_speak_and_a_message_may_be_larger_than_the_pipe():
    ours, theirs = Channel.pair()
    sending = threading.Thread(target=ours.send, args=(["x" * 3_000_000],))
    sending.start()
    assert theirs.recv() == ["x" * 3_000_000]
    sending.join()
    theirs.send({"go": True}, Weight.LAST)
    assert ours.recv() == {"go": True}
    theirs.close()
    with pytest.raises(EOFError):
        ours.recv()
    ours.close()
