import socket

import pytest

from rprocfs.engines.unicorn.ports import Closed, Port, wait


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_byte_is_sent_at_once(ends):
    assert Port(ends[0].fileno()).transmit(7)
    assert ends[1].recv(10) == b"\7"


def test_a_batch_is_sent_together(ends):
    port = Port(ends[0].fileno(), room=8, batch=3)
    assert all(port.transmit(byte) for byte in b"ab")
    with pytest.raises(BlockingIOError):
        ends[1].recv(10)
    wait((port,), 0)
    assert ends[1].recv(10) == b"ab"


def test_a_full_socket_holds_the_sender_back(ends):
    port = Port(ends[0].fileno(), room=4)
    sent = 0
    while port.transmit(0):
        sent += 1
    assert port.unsent
    assert len(ends[1].recv(1 << 20)) == sent - 4
    assert port.transmit(0)


def test_what_nobody_took_holds_the_peer_back(ends):
    port = Port(ends[0].fileno())
    ends[1].send(bytes(200))
    wait((port,), 0)
    ends[1].send(bytes(200))
    wait((port,), 0)
    assert len(port.received) == 200
    port.received.clear()
    wait((port,), None)
    assert len(port.received) == 200


def test_the_end_of_the_parent(ends):
    port = Port(ends[0].fileno())
    ends[1].send(b"x")
    ends[1].close()
    wait((port,), None)
    assert port.received == b"x"
    port.received.clear()
    with pytest.raises(Closed):
        wait((port,), None)


def test_sending_to_nobody(ends):
    port = Port(ends[0].fileno())
    ends[1].close()
    assert port.transmit(1)
    assert port.closed
    with pytest.raises(Closed):
        wait((port,), 0)
