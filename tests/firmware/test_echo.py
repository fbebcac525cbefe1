import struct

import pytest

from tests.engines.host import ANY, BUFFER


@pytest.fixture(params=["cortex-m3", "cortex-m4"])
def echo(host, request):
    one = host("echo.elf", core=request.param)
    one.start_rpmsg()
    one.wait(lambda: len(one.services) == 2)
    return one


def test_it_announces_two_channels(echo):
    assert echo.services == {"rpmsg-raw": 1024, "rpmsg-echo": 1025}


def test_it_waits_for_driver_ok(host):
    one = host("echo.elf")
    one.start_rpmsg(status=3)
    one.wait_trace("echo: started")
    assert one.messages == []
    one.start_rpmsg()
    one.wait(lambda: len(one.services) == 2)


@pytest.mark.parametrize("address", [1024, 1025, 7])
def test_each_message_comes_back_from_where_it_was_sent_to(echo, address):
    assert echo.call(address, b"hello", src=0x1234) == b"hello"
    assert echo.replies(0x1234) == [(address, 0x1234, b"hello")]


def test_a_thousand_messages_in_order(echo):
    for number in range(1000):
        echo.send(0x400, 1024, b"message %d" % number)
    echo.wait(lambda: len(echo.replies(0x400)) == 1000)
    assert [data for _, _, data in echo.replies(0x400)] == [
        b"message %d" % number for number in range(1000)
    ]


@pytest.mark.parametrize("length", [0, 1, 495, 496])
def test_all_lengths(echo, length):
    assert echo.call(1024, b"x" * length) == b"x" * length


def test_the_trace_is_readable(echo):
    echo.call(1024, b"hello")
    lines = ["echo: started", "rpmsg: up", "rpmsg: announced rpmsg-raw at 0x400"]
    lines += ["rpmsg: announced rpmsg-echo at 0x401", "echo: bytes 0x5", ""]
    echo.wait_trace("bytes 0x5\n")
    assert echo.trace == "\n".join(lines)


def test_the_trace_starts_again_when_it_is_full(echo):
    for _ in range(300):
        echo.call(1024, b"m" * 16)
    assert len(echo.trace) < 0x1000
    assert set(echo.trace.splitlines()) == {"echo: bytes 0x10"}


def test_a_byte_without_news_is_harmless(echo):
    for byte in (0, 1, 1, 0x77, 0):
        echo.worker.send(byte)
    assert echo.call(1024, b"still there") == b"still there"


def test_it_consents_to_a_shutdown(echo):
    echo.worker.send(0xF0)
    echo.wait(lambda: 0xF1 in echo.mailbox)


def test_its_heart_beats(echo):
    beat = echo.ram.at(0x21FF0000, 4)
    echo.wait_trace("announced")
    before = beat.cast("I")[0]
    while beat.cast("I")[0] < before + 2:
        echo.worker.send(0)
    beat.release()


@pytest.mark.parametrize(
    ("address", "length", "head"),
    [
        (0, 512, 0),
        (0x20FF_FFFC, 512, 0),
        (0x21FF_FFFC, 512, 0),
        (0x1_2100_0000, 512, 0),
        (0x2130_0001, 512, 0),
        (0x2130_8000, 15, 0),
        (0x2130_8000, ANY, 0),
        (0x2130_8000, 512, 32),
        (0x2130_8000, 512, 0xFFFF),
    ],
)
def test_it_does_not_believe_a_bad_descriptor(echo, address, length, head):
    tx = echo.rings[1]
    descriptor = echo.ram.at(tx.da, 16)
    descriptor[:] = struct.pack("<QIHH", address, length, 0, 0)
    descriptor.release()
    tx.publish(head)
    echo.worker.send(1)
    echo.wait_trace(": bad buffer 0x")
    echo.free.remove(0)
    assert echo.call(1024, b"goes on") == b"goes on"


def test_it_does_not_believe_a_bad_length(echo):
    tx = echo.rings[1]
    message = echo.ram.at(tx.buffers, 16)
    message[:] = struct.pack("<IIIHH", 0x400, 1024, 0, BUFFER, 0)
    message.release()
    tx.offer(echo.free.pop(0), BUFFER)
    echo.worker.send(1)
    echo.wait_trace("rpmsg: bad length 0x200")
    assert echo.call(1024, b"goes on") == b"goes on"


@pytest.mark.parametrize(
    ("address", "align", "num"),
    [
        (0x21FF_FF00, 16, 32),  # ends behind the RAM
        (0xFFFF_FFF0, 16, 32),
        (0x2120_0002, 16, 32),  # words that are not aligned
        (0x2120_0000, 1, 32),
        (0x2120_0000, 0, 32),  # no powers of two
        (0x2120_0000, 24, 32),
        (0x2120_0000, 0x8000_0000, 32),
        (0x2120_0000, 16, 512),
    ],
)
def test_rings_that_cannot_be_are_a_crash(host, address, align, num):
    def prepare(ram):
        table = ram.at(0x2100_0000, 0x2000)
        at = bytes(table).index(struct.pack("<II", 0x2120_0000, 16))
        table[at : at + 12] = struct.pack("<III", address, align, num)
        table[at - 4] = 4  # the host's driver is there
        table.release()

    one = host("echo.elf", prepare=prepare)
    one.wait(lambda: one.deaths)
    assert one.deaths[0].kind == "crash"
    assert "rpmsg: bad vrings" in one.trace
    assert 0xFF in one.mailbox
