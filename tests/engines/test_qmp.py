import json

from hypothesis import given
from hypothesis import strategies as st

from rprocfs.engines.qemu.qmp import CAPABILITIES, LONGEST, Receiver, shutdown_reason
from tests.examples import examples

RESET = b'{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}\r\n'
GREETING = b'{"QMP": {"version": {}, "capabilities": []}}\r\n'


def test_a_command_is_a_line():
    assert json.loads(CAPABILITIES) == {"execute": "qmp_capabilities"}
    assert CAPABILITIES.endswith(b"\n")


@examples(50)
@given(st.lists(st.integers(1, 20)))
def test_messages_come_in_pieces(cuts):
    stream, receiver, got = GREETING + RESET, Receiver(), []
    for cut in [*cuts, len(stream)]:
        piece, stream = stream[:cut], stream[cut:]
        got += receiver.feed(piece)
    assert [list(message) for message in got] == [["QMP"], ["event", "data"]]


def test_why_it_shut_down():
    (message,) = Receiver().feed(RESET)
    assert shutdown_reason(message) == "guest-reset"
    assert shutdown_reason({"event": "STOP"}) is None
    assert shutdown_reason({"return": {"status": "running"}}) is None
    # What is left to see of a reset before anybody listened.
    assert shutdown_reason({"return": {"status": "shutdown"}}) == "guest-reset"
    assert shutdown_reason({"return": {}}) is None
    assert shutdown_reason({"event": "SHUTDOWN"}) == "unknown"


def test_nonsense_is_skipped_and_not_kept():
    receiver = Receiver()
    assert list(receiver.feed(b"oops\n[1]\n\xff\n" + RESET)) != []
    assert list(receiver.feed(b"x" * (LONGEST * 3))) == []
    assert list(receiver.feed(b"\n" + RESET)) != []
    assert len(receiver._rest) <= LONGEST
    assert list(Receiver().feed(b"[" * (LONGEST - 1) + b"\n" + RESET)) != []
