import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rprocfs.engines.gdb.packet import escape
from rprocfs.engines.gdb.stub import BAD, FAULT, OK, UNSUPPORTED, Resume, Stub


class Memory:
    """Three registers, the last of them 8 bytes and unknown, and 16 bytes at 0x100."""

    description = b"<target>#}</target>"
    sizes = (4, 4, 8)

    def __init__(self):
        self.values = [1, 0xDEADBEEF, None]
        self.memory = bytearray(range(16))
        self.points = set()

    def register(self, number):
        return self.values[number]

    def set_register(self, number, value):
        if self.values[number] is None:
            return False
        self.values[number] = value
        return True

    def read(self, address, size):
        return bytes(self.memory[address - 0x100 :][:size]) if 0x100 <= address < 0x110 else b""

    def write(self, address, data):
        if not 0x100 <= address <= 0x110 - len(data):
            return False
        begin = address - 0x100
        self.memory[begin : begin + len(data)] = data
        return True

    def insert(self, *point):
        self.points.add(point)
        return True

    def remove(self, *point):
        return point in self.points and not self.points.discard(point)


@pytest.fixture
def target():
    return Memory()


@pytest.fixture
def stub(target):
    return Stub(target, b"T05watch:100;")


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"?", b"T05watch:100;"),
        (b"g", b"01000000efbeadde" + b"x" * 16),
        (b"p1", b"efbeadde"),
        (b"p2", b"x" * 16),
        (b"p3", BAD),
        (b"p", BAD),
        (b"P0=02000000", OK),
        (b"P0=0200", BAD),
        (b"P2=0000000000000000", BAD),
        (b"G0200000003000000", OK),
        (b"G" + b"00" * 17, BAD),
        (b"m100,4", b"00010203"),
        (b"m10e,4", b"0e0f"),
        (b"m110,4", FAULT),
        (b"m110,0", b""),
        (b"m100", BAD),
        (b"m-1,4", BAD),
        (b"m1_0,4", BAD),
        (b"m100000000,4", BAD),
        (b"M100,2:ffee", OK),
        (b"M100,2:ff", BAD),
        (b"M100,2:ff e", BAD),
        (b"M10f,2:ffee", FAULT),
        (b"X100,0:", OK),
        (b"X100,2:" + escape(b"#$"), OK),
        (b"X100,2:#", BAD),
        (b"Z0,100,2", OK),
        (b"z0,100,2", BAD),
        (b"Z5,100,2", UNSUPPORTED),
        (b"Z0,100", BAD),
        (b"c", Resume(False)),
        (b"c100", Resume(False, 0x100)),
        (b"s", Resume(True)),
        (b"C05", Resume(False)),
        (b"S05;100", Resume(True, 0x100)),
        (b"vCont;c", Resume(False)),
        (b"vCont;s:1;c", Resume(True)),
        (b"vCont;S05:1", Resume(True)),
        (b"vCont;t", BAD),
        (b"vCont?", b"vCont;c;C;s;S"),
        (b"vMustReplyEmpty", UNSUPPORTED),
        (b"qXfer:features:read:target.xml:0,9", b"m<target>}\x03"),
        (b"qXfer:features:read:target.xml:8,ff", b"l}\x03}]</target>"),
        (b"qXfer:features:read:other.xml:0,ff", UNSUPPORTED),
        (b"qAttached", b"1"),
        (b"", UNSUPPORTED),
        (b"!", UNSUPPORTED),
    ],
)
def test_a_request(stub, payload, answer):
    assert stub.handle(payload) == answer


def test_what_is_written_is_read(stub, target):
    stub.handle(b"X101,2:" + escape(b"#}"))
    assert target.memory[:4] == b"\0#}\3"
    assert stub.handle(b"m101,2") == b"237d"
    stub.handle(b"P0=78563412")
    assert stub.handle(b"p0") == b"78563412"


def test_a_breakpoint_is_set_and_removed(stub, target):
    assert stub.handle(b"Z2,100,4;X1,0") == OK
    assert target.points == {(2, 0x100, 4)}
    assert stub.handle(b"z2,100,4") == OK
    assert not target.points


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            bytes.__add__,
            st.sampled_from(b"m M X Z0 z4 p P G v q C s".split()),
            st.text("0123456789abcdefABCDEF,;:=_+- ", max_size=40).map(str.encode),
        ),
    )
)
def test_no_request_breaks_it(payload):
    stub = Stub(Memory())
    answer = stub.handle(payload)
    assert isinstance(answer, Resume) or not {*b"#$"} & {*answer}
    assert stub.handle(b"m100,1") in {b"%02x" % byte for byte in range(256)}
