"""What a client hears, and what gets to the core."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rprocfs.engines.gdb.link import Link, StubLink
from rprocfs.engines.gdb.packet import Endpoint, frame
from rprocfs.engines.gdb.postmortem import DeadTarget
from rprocfs.engines.gdb.session import Session
from rprocfs.engines.gdb.stub import Stub


class Core(Link):
    """Notes what it is sent."""

    def __init__(self):
        self.sent = []

    def send(self, payload):
        self.sent.append(payload)

    def interrupt(self):
        self.sent.append("interrupt")

    def close(self):
        self.sent.append("close")


class Talk:
    """A client of a session."""

    def __init__(self):
        self.core, self.resets = Core(), []
        self.session = Session(self.core, self.resets.append)
        self.end = Endpoint()

    def say(self, payload, answer=None):
        """The client's packet, what the core answers, and what the client hears."""
        self.session.from_client(frame(payload) if payload != b"\x03" else payload)
        if answer is not None:
            self.session.from_core(answer)
        return list(self.end.receive(self.session.data_to_send()))

    def monitor(self, text):
        *said, answer = self.say(b"qRcmd," + text.encode().hex().encode()) or [None]
        return b"".join(bytes.fromhex(line[1:].decode()) for line in said).decode(), answer


@pytest.fixture
def talk():
    return Talk()


def test_requests_and_answers_pass(talk):
    assert talk.say(b"g", b"00112233") == [b"00112233"]
    assert talk.core.sent == [b"g"]


def test_acknowledgements_end_when_the_client_wants_it(talk):
    assert talk.say(b"qSupported:x", b"PacketSize=1000") == [b"PacketSize=1000;QStartNoAckMode+"]
    assert talk.say(b"QStartNoAckMode") == [b"OK"]
    talk.session.from_client(frame(b"?"))
    assert talk.session.data_to_send() == b""


@pytest.mark.parametrize(
    "payload",
    [
        b"vFile:open:2f6574632f706173737764,0,0", b"vRun;6c73", b"vAttach;1", b"R00", b"!",
        b"qXfer:exec-file:read:1:0,100", b"QNonStop:1",
    ],
)  # fmt: skip
def test_a_client_gets_nothing_of_the_host(talk, payload):
    assert talk.say(payload) == [b""]
    assert talk.core.sent == []


def test_a_core_gets_no_file_of_the_client(talk):
    talk.say(b"c")
    assert talk.say(b"\x03", b"Fopen,21000000/9,0,0") == []
    assert talk.core.sent == [b"c", "interrupt", b"F-1,1"]


def test_halted_is_what_the_client_knows(talk):
    assert talk.session.halted
    talk.say(b"vCont;c:1")
    assert not talk.session.halted
    assert talk.say(b"\x03", b"T02") == [b"T02"]
    assert talk.session.halted
    assert talk.core.sent == [b"vCont;c:1", "interrupt"]


@pytest.mark.parametrize("payload", [b"D", b"D;1", b"k", b"vKill;1"])
def test_it_ends(talk, payload):
    assert talk.say(payload) == ([] if payload == b"k" else [b"OK"])
    assert talk.session.closed


def test_monitor(talk):
    assert "monitor reset halt" in talk.monitor("help")[0]
    assert talk.monitor("halt") == ("", b"OK")
    assert talk.monitor("quit now")[0] == "no such command: quit now; see monitor help\n"
    assert talk.say(b"qRcmd,zz") == [b"E01"]


def test_monitor_resume_and_halt(talk):
    assert talk.monitor("resume") == ("", b"OK")
    assert not talk.session.halted
    assert talk.monitor("halt") == ("", None)
    assert talk.core.sent == [b"c", "interrupt"]
    talk.session.from_core(b"T02")
    assert list(talk.end.receive(talk.session.data_to_send())) == [b"OK"]
    assert talk.session.halted


def test_a_request_halts_what_monitor_resume_let_go_on(talk):
    talk.monitor("resume")
    assert talk.say(b"m100,4") == []
    assert talk.say(b"?", b"T02") == []
    assert talk.core.sent == [b"c", "interrupt", b"m100,4", b"?"]


@pytest.mark.parametrize(("words", "halt"), [("reset halt", True), ("reset", False)])
def test_monitor_reset(talk, words, halt):
    assert talk.monitor(words) == ("", None)
    assert talk.resets == [halt]
    core = Core()
    talk.session.restarted(core)
    assert list(talk.end.receive(talk.session.data_to_send())) == [b"OK"]
    assert talk.session.halted is halt
    hello = [b"qSupported", b"qXfer:features:read:target.xml:0,100"]
    assert core.sent == hello + ([] if halt else [b"c"])
    for answer in (b"PacketSize=1000", b"l<target/>"):
        talk.session.from_core(answer)
    assert talk.session.data_to_send() == b""


def test_a_reset_that_is_not_possible(talk):
    talk.monitor("reset")
    talk.session.failed("no firmware")
    said, error = talk.end.receive(talk.session.data_to_send())
    assert bytes.fromhex(said[1:].decode()) == b"reset: no firmware\n"
    assert error == b"E01"


def test_a_crash_can_be_looked_at_and_then_it_is_over(talk):
    talk.say(b"c")
    values, memory = {"pc": 0x100, "xpsr": 3}, {0x100: b"ab", 0x102: b"c"}
    target = DeadTarget(("r0", "pc"), (4, 4), values, memory, {"xpsr": 25, "msp": 43})
    talk.session.died(b"S0b", StubLink(Stub(target, b"S0b"), 11, talk.session.from_core))
    assert talk.say(b"?") == [b"S0b", b"S0b"]
    assert talk.say(b"g") == [b"xxxxxxxx00010000"]
    assert talk.say(b"p19") == [b"03000000"]
    assert talk.say(b"p7")[0].startswith(b"xx")
    assert talk.say(b"p2b")[0].startswith(b"xx")
    assert talk.say(b"m100,8") == [b"616263"]
    assert talk.say(b"P0=00000000") == [b"E16"]
    assert talk.say(b"c") == [b"X0b"]
    assert talk.session.closed


def test_a_processor_that_is_stopped(talk):
    talk.say(b"c")
    talk.session.died(b"W00")
    assert list(talk.end.receive(talk.session.data_to_send())) == [b"W00"]
    assert talk.session.closed


def test_a_client_that_asks_and_asks_is_dropped(talk):
    talk.monitor("reset")
    for _ in range(20):
        talk.say(b"g")
    assert talk.session.closed
    assert talk.core.sent == []


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30).map(lambda data: ("client", data)),
            st.sampled_from(b"g c s ? D k vCont;c qSupported qRcmd,6861 vFile:x".split()).map(
                lambda payload: ("client", frame(payload))
            ),
            st.sampled_from(["halt", "resume", "reset", "reset halt"]).map(
                lambda text: ("client", frame(b"qRcmd," + text.encode().hex().encode()))
            ),
            st.sampled_from(b"OK T05 S05 F1 W00 X0b O41 E01".split()).map(
                lambda payload: ("core", payload)
            ),
            st.binary(max_size=30).map(lambda data: ("core", data)),
        ),
        max_size=12,
    )
)
def test_nothing_breaks_it(events):
    talk = Talk()
    for side, data in events:
        if side == "client":
            talk.session.from_client(data)
        else:
            talk.session.from_core(data)
    assert not [sent for sent in talk.core.sent if sent != "interrupt" and sent[:5] == b"vFile"]
