"""The secure proxy by SPRUIV7, and the system firmware by the documentation of TISCI."""

import struct

import pytest

CONFIG = 0xD8250004
DATA, STATUS = 0xDD000000, 0xDA600000
RESPONSE, REQUEST, OTHER = 16, 17, 9
HOST = 30
LAST = 0x3C
ACK = 2


class Host:
    def __init__(self, board):
        self.board, self.sequence = board, 0

    def status(self, thread):
        return self.board[STATUS + 0x1000 * thread]

    def send(self, kind, body=b"", flags=2):
        self.sequence = self.sequence % 255 + 1
        message = struct.pack("<HBBI", kind, HOST, self.sequence, flags) + body
        page = DATA + 0x1000 * REQUEST
        for at in range(0, len(message), 4):
            word = int.from_bytes(message[at : at + 4], "little")
            self.board[page + 4 + at] = word
        if len(message) < LAST:
            self.board[page + LAST] = 0

    def receive(self):
        page = DATA + 0x1000 * RESPONSE
        words = [self.board[page + at] for at in range(4, LAST + 4, 4)]
        message = struct.pack("<15I", *words)
        kind, host, sequence, flags = struct.unpack_from("<HBBI", message)
        assert (host, sequence) == (HOST, self.sequence)
        return kind, flags, message[8:]

    def ask(self, kind, body=b""):
        """The body of the response; None: it was refused."""
        self.send(kind, body)
        assert self.status(RESPONSE) == 1
        answered, flags, answer = self.receive()
        assert answered == kind
        assert self.status(RESPONSE) == 0
        return answer if flags & ACK else None


@pytest.fixture
def host(board):
    return Host(board)


def test_the_version_of_the_device_manager(host):
    """As Sciclient_getDMVersion() prints it: revision, ABI, the HAL's and the server's name."""
    version, _, _, major, minor, hal, server = struct.unpack_from("<H4B12s26s", host.ask(0x000F))
    assert (version, major, minor) == (9, 4, 0)
    assert hal.rstrip(b"\0") == server.rstrip(b"\0") == b"rprocfs"


def clock(device, number):
    narrow = min(255, number)
    return struct.pack("<IBI", device, narrow, number)


def frequency(device, number, target, low=None, high=None):
    limits = (target if low is None else low, target, target if high is None else high)
    return struct.pack("<I3QBI", device, *limits, min(number, 255), number)


def test_how_large_a_message_is(board):
    assert board[CONFIG] >> 16 == 64


def test_threads_say_how_much_there_is(host, board):
    assert (host.status(REQUEST), host.status(RESPONSE)) == (5, 0)
    assert host.status(OTHER) >> 31  # is another host's
    host.send(0x0002)
    host.send(0x0002)
    assert host.status(RESPONSE) == 2
    board[DATA + 0x1000 * RESPONSE + LAST]
    assert host.status(RESPONSE) == 1
    assert host.receive()[0] == 0x0002


def test_a_message_is_complete_with_its_last_word(host, board):
    board[DATA + 0x1000 * REQUEST + 4] = 0x0002 | HOST << 16
    assert host.status(RESPONSE) == 0
    board[DATA + 0x1000 * REQUEST + LAST] = 0
    assert host.status(RESPONSE) == 0  # no answer was asked for
    host.send(0x0002)
    board[DATA + 0x1000 * RESPONSE + 4]
    assert host.status(RESPONSE) == 1  # still there
    board[DATA + 0x1000 * RESPONSE + LAST]
    assert host.status(RESPONSE) == 0


def test_other_threads_and_what_is_behind_a_message_are_nothing(host, board):
    board[DATA + 0x1000 * OTHER + LAST] = 1
    board[DATA + 0x1000 * REQUEST + 0x100] = 1
    board[DATA + 0x1000 * RESPONSE + 4] = 1
    assert board[DATA + 0x1000 * OTHER + 4] == board[DATA + 0x1000 * REQUEST + 0x100] == 0
    assert host.ask(0x0002) is not None


def test_its_version(host):
    description, _, major, minor = struct.unpack_from("<32sHBB", host.ask(0x0002))
    assert description.rstrip(b"\0") == b"rprocfs"
    assert (major, minor) == (4, 0)


def test_a_device_is_on_until_it_is_switched_off(host):
    def state(device):
        return struct.unpack_from("<IIBB", host.ask(0x0201, struct.pack("<I", device)))

    assert state(149) == (0, 0, 2, 1)
    assert host.ask(0x0200, struct.pack("<IIB", 149, 0, 0)) is not None
    assert state(149) == (0, 0, 0, 0)
    assert state(150) == (0, 0, 2, 1)
    assert host.ask(0x0200, struct.pack("<IIB", 149, 0, 2)) is not None
    assert host.ask(0x0202, struct.pack("<II", 149, 3)) is not None
    assert state(149) == (0, 3, 2, 1)
    assert host.ask(0x0200, struct.pack("<IIB", 149, 0, 3)) is None


@pytest.mark.parametrize(
    ("device", "number", "rate"), [(9, 0, 400_000_000), (149, 0, 48_000_000), (35, 2, 25_000_000)]
)
def test_frequencies_that_boot_loaders_leave(host, device, number, rate):
    assert struct.unpack_from("<Q", host.ask(0x010E, clock(device, number))) == (rate,)


@pytest.mark.parametrize("number", [0, 254, 255, 1000])
def test_a_frequency_is_asked_for_and_set(host, number):
    wanted = frequency(77, number, 96_000_000)
    assert struct.unpack_from("<Q", host.ask(0x010D, wanted)) == (96_000_000,)
    assert struct.unpack_from("<Q", host.ask(0x010E, clock(77, number))) == (25_000_000,)
    assert host.ask(0x010C, wanted) is not None
    assert struct.unpack_from("<Q", host.ask(0x010E, clock(77, number))) == (96_000_000,)
    assert host.ask(0x010D, frequency(77, number, 5, low=6, high=7)) is None
    assert host.ask(0x010C, frequency(77, number, 5, low=6, high=7)) is None


def test_a_clock_can_be_gated(host):
    def state():
        return struct.unpack_from("<BB", host.ask(0x0101, clock(149, 0)))

    assert state() == (1, 1)
    for request, ready in ((0, 0), (2, 1), (1, 1)):
        assert host.ask(0x0100, struct.pack("<IBBI", 149, 0, request, 0)) is not None
        assert state() == (request, ready)
    assert host.ask(0x0100, struct.pack("<IBBI", 149, 0, 3, 0)) is None


@pytest.mark.parametrize("number", [0, 253, 254, 255, 1000])
def test_the_parents_of_a_clock(host, number):
    def choose(parent):
        ids = min(number, 255), min(parent, 255), number, parent
        return host.ask(0x0102, struct.pack("<IBBII", 149, *ids))

    def current():
        return struct.unpack_from("<BI", host.ask(0x0103, clock(149, number)))

    (count, wide) = struct.unpack_from("<BI", host.ask(0x0104, clock(149, number)))
    assert count == wide
    assert current() == (min(number + 1, 255), number + 1)
    for parent in (number + count, number + 2):
        assert choose(parent) is not None
        assert current() == (min(parent, 255), parent)
    assert choose(number) is None
    assert choose(number + count + 1) is None
    assert current()[1] == number + 2


def test_what_it_does_not_do_is_refused_and_said_once(host, board):
    assert host.ask(0xC000) is None
    assert host.ask(0xC000) is None
    assert board.debug == ["TISCI: message 0xc000 is refused"]
