import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rprocfs.engines.gdb.packet import INTERRUPT, LONGEST, Endpoint, escape, frame, unescape

PAYLOADS = st.binary(max_size=40).map(escape)


def receive(data, acks=True):
    end = Endpoint()
    end.acks = acks
    return list(end.receive(data)), end.data_to_send()


def test_a_packet_of_the_manual():
    assert frame(b"OK") == b"$OK#9a"
    assert receive(b"+$qSupported#37") == ([b"qSupported"], b"+")


@pytest.mark.parametrize("data", [b"$OK#9b", b"$OK#zz", b"$OK#+9", b"$OX#9a"])
def test_a_damaged_packet_is_asked_for_again(data):
    assert receive(data) == ([], b"-")
    assert receive(data, acks=False) == ([], b"")


def test_a_packet_that_got_lost_is_sent_again():
    end = Endpoint()
    end.send(b"OK")
    assert end.data_to_send() == b"$OK#9a"
    assert not list(end.receive(b"-"))
    assert end.data_to_send() == b"$OK#9a"
    end.acks = False
    assert not list(end.receive(b"-"))
    assert end.data_to_send() == b""


def test_an_interrupt_is_one_between_two_packets_only():
    assert receive(b"\x03$a\x03b#c6\x03")[0] == [INTERRUPT, b"a\x03b", INTERRUPT]


def test_a_packet_that_is_too_long_is_dropped_and_the_next_one_is_heard():
    end = Endpoint()
    for chunk in (b"$", b"m" * LONGEST, b"m" * LONGEST, b"#00", frame(b"?")):
        found = list(end.receive(chunk))
    assert found == [b"?"]
    assert end.data_to_send() == b"-+"


@settings(deadline=None)
@given(st.lists(PAYLOADS, max_size=5), st.integers(1, 60))
def test_payloads_arrive_in_any_pieces(payloads, size):
    stream = b"".join(map(frame, payloads))
    end, found = Endpoint(), []
    for begin in range(0, len(stream), size):
        found += end.receive(stream[begin : begin + size])
    assert found == payloads
    assert end.data_to_send() == b"+" * len(payloads)


@settings(deadline=None)
@given(st.binary())
def test_binary_data_survives(data):
    coded = escape(data)
    assert unescape(coded) == data
    assert not {*b"#$*"} & {*coded}


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=300), st.sampled_from([b"$", b"#", b"#00", b"}"]))))
def test_noise_breaks_nothing(chunks):
    end = Endpoint()
    for chunk in chunks:
        for payload in end.receive(chunk):
            assert payload == INTERRUPT or b"#" not in payload
    assert {*end.data_to_send()} <= {*b"+-"}
    # What began in the noise ends with the first of these.
    assert [*end.receive(b"#00"), *end.receive(frame(b"?"))][-1:] == [b"?"]
