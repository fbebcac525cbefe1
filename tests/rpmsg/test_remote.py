"""The remote's end of an rpmsg link."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.rpmsg.hdr import RpmsgHdr, RpmsgNsMsg
from rprocfs.testing.vring import RpmsgLink
from tests.examples import examples


def test_announcement():
    link = RpmsgLink()
    link.remote.announce("rpmsg-raw", 0x400)
    link.remote.withdraw("rpmsg-raw", 0x400)
    header, data = link.receive()
    assert header == RpmsgHdr(53, 53, 0, 40)
    assert RpmsgNsMsg.unpack(data) == ("rpmsg-raw", 0x400, 0)
    assert RpmsgNsMsg.unpack(link.receive()[1]) == ("rpmsg-raw", 0x400, 1)


@given(st.lists(st.binary(max_size=496), max_size=40))
@examples(50)
def test_echo(messages):
    link = RpmsgLink()
    for data in messages:
        link.send(0x400, 0x500, data)
        assert link.output.kick_prepare()
        assert link.remote.echo() == 1
        assert link.receive() == (RpmsgHdr(0x500, 0x400, 0, len(data)), data)
    assert link.remote.echo() == 0
    assert link.receive() is None


def test_announcement_by_the_host():
    link = RpmsgLink()
    link.send(0x400, 53, RpmsgNsMsg("from-host", 0x400).pack())
    link.send(0x400, 53, b"short")
    assert [message.ns for message in link.remote.messages()] == [("from-host", 0x400, 0), None]


def test_no_buffer_left():
    link = RpmsgLink(num=2)
    link.remote.send(1, 2, b"a")
    link.remote.send(1, 2, b"b")
    with pytest.raises(OSError) as error:
        link.remote.send(1, 2, b"c")
    assert error.value.errno == errno.ENOSPC
    link.receive()
    link.remote.send(1, 2, b"c")


def test_too_large_leaves_the_buffer():
    link = RpmsgLink(num=1, buf_size=64)
    with pytest.raises(OSError) as error:
        link.remote.send(1, 2, bytes(49))
    assert error.value.errno == errno.EMSGSIZE
    link.remote.send(1, 2, bytes(48))
    assert link.receive() == (RpmsgHdr(1, 2, 0, 48), bytes(48))


def test_buffer_in_no_memory():
    link = RpmsgLink()
    link.base += len(link.memory)
    with pytest.raises(OSError) as error:
        link.remote.send(1, 2, b"")
    assert error.value.errno == errno.EFAULT


def test_what_is_no_message_is_passed_over():
    link = RpmsgLink()
    link.output.add_outbuf(link.base, 15, -1)
    link.output.add_outbuf(0, 512, -2)
    link.memory[:16] = RpmsgHdr(1, 2, 0, 17).pack()
    link.output.add_outbuf(link.base, 32, -3)
    link.send(0x400, 0x500, b"good")
    assert [message.data for message in link.remote.messages()] == [b"good"]
    assert [link.output.get_buf()[0] for _ in range(3)] == [-1, -2, -3]


def test_host_waits_when_the_remote_takes_nothing():
    link = RpmsgLink(num=2)
    link.send(1, 2, b"a")
    link.send(1, 2, b"b")
    with pytest.raises(OSError) as error:
        link.send(1, 2, b"c")
    assert error.value.errno == errno.ENOSPC
    assert link.remote.receive().data == b"a"
    link.send(1, 2, b"c")
    assert [message.data for message in link.remote.messages()] == [b"b", b"c"]
