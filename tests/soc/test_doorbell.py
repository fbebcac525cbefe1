import pytest
from hypothesis import given
from hypothesis import strategies as st

from rprocfs.soc.doorbell import Framed
from rprocfs.soc.vsoc import Hints

MESSAGES = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=255)))


@given(MESSAGES, st.randoms())
def test_framed_messages_arrive_as_they_were_sent_however_they_are_cut(messages, random):
    data = b"".join(Framed.encode(*message) for message in messages)
    codec, received = Framed(), []
    while data:
        size = random.randint(1, 300)
        received += codec.decode(data[:size])
        data = data[size:]
    assert received == messages


@given(st.binary(max_size=5000))
def test_whatever_comes_in_keeps_less_than_a_message(data):
    codec = Framed()
    codec.decode(data)
    assert len(codec._rest) < 257


@pytest.mark.parametrize(
    "message", [(256, b""), (-1, b""), (0, bytes(256))], ids=["above", "below", "long"]
)
def test_what_does_not_fit_into_a_frame(message):
    with pytest.raises(ValueError):
        Framed.encode(*message)


def test_hints_are_bytes_each_once_in_the_order_of_their_first():
    assert Hints().decode(b"\3\1\3\3\2\1") == [(3, b""), (1, b""), (2, b"")]
    assert Hints.encode(0xF0) == b"\xf0"
    with pytest.raises(ValueError, match="no payload"):
        Hints.encode(1, b"x")
