"""The line discipline alone."""

import struct
from dataclasses import replace

import pytest

from rprocfs.tty.n_tty import (
    ECHO,
    ECHOE,
    ICANON,
    ICRNL,
    IGNCR,
    INLCR,
    ISIG,
    ISTRIP,
    IXON,
    NOFLSH,
    OCRNL,
    ONLCR,
    OPOST,
    VMIN,
    VTIME,
    NTty,
    Termios,
)

STANDARD = Termios().without(oflag=OPOST | ONLCR, lflag=ECHO | ICANON)
RAW = replace(STANDARD, iflag=0, lflag=0)
CANON = replace(STANDARD, lflag=STANDARD.lflag | ICANON)


def through(data, **flags):
    """What is read after *data* came in."""
    tty = NTty(replace(RAW, **flags))
    tty.receive(data)
    return tty.read(100)


def typed(data, termios=CANON):
    tty = NTty(termios)
    tty.receive(data)
    lines = []
    while (line := tty.read(100)) is not None:
        lines.append(line)
    return lines


def with_cc(termios, **values):
    cc = bytearray(termios.cc)
    for name, value in values.items():
        cc[{"vmin": VMIN, "vtime": VTIME}[name]] = value
    return replace(termios, cc=bytes(cc))


def test_termios_as_the_kernel_shows_it():
    assert (STANDARD.iflag, STANDARD.oflag) == (0o2400, 0)
    assert (STANDARD.cflag, STANDARD.lflag) == (0o2277, 0o105061)
    assert len(STANDARD.pack()) == 36
    assert struct.unpack("=II", STANDARD.pack2()[36:]) == (38400, 38400)
    assert STANDARD.changed(STANDARD.pack()) == STANDARD


def test_size_and_speed_stay():
    changed = STANDARD.changed(replace(STANDARD, cflag=0o4000, iflag=5, cc=bytes(19)).pack())
    assert changed.cflag == 0o2277 & ~0o2200 | 0o4000
    assert (changed.iflag, changed.cc) == (5, bytes(19))


@pytest.mark.parametrize(
    ("iflag", "expected"),
    [
        (0, b"a\rb\n\x11\x13\xe1"),
        (ICRNL, b"a\nb\n\x11\x13\xe1"),
        (INLCR, b"a\rb\r\x11\x13\xe1"),
        (IGNCR, b"ab\n\x11\x13\xe1"),
        (IGNCR | ICRNL, b"ab\n\x11\x13\xe1"),
        (IXON, b"a\rb\n\xe1"),
        (ISTRIP, b"a\rb\n\x11\x13a"),
    ],
)
def test_input_flags(iflag, expected):
    assert through(b"a\rb\n\x11\x13\xe1", iflag=iflag) == expected


@pytest.mark.parametrize("key", [b"\x03", b"\x1c", b"\x1a"])
def test_signal_keys_flush(key):
    assert through(b"before" + key + b"after", lflag=ISIG) == b"after"
    assert through(b"before" + key + b"after", lflag=ISIG | NOFLSH) == b"beforeafter"
    assert through(b"before" + key + b"after") == b"before" + key + b"after"


def test_no_boundaries_and_no_loss_in_short_reads():
    tty = NTty(STANDARD)
    tty.receive(b"one")
    tty.receive(b"two")
    assert tty.readable() == 6
    assert [tty.read(2), tty.read(100), tty.read(1)] == [b"on", b"etwo", None]


def test_vmin():
    tty = NTty(with_cc(RAW, vmin=3))
    tty.receive(b"ab")
    assert not tty.available()
    assert tty.read(10) is None
    assert tty.read(2) == b"ab"
    tty.receive(b"cde")
    assert tty.available()
    assert tty.read(10) == b"cde"
    tty = NTty(with_cc(RAW, vmin=0))
    assert tty.read(10) == b""


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        (b"one\ntwo\nthr", [b"one\n", b"two\n"]),
        (b"ax\x7fb\n", [b"ab\n"]),
        (b"\x7f\x7fa\n", [b"a\n"]),
        (b"gone\x15kept\n", [b"kept\n"]),
        (b"two words\x17x\n", [b"two x\n"]),
        (b"a\x04b\n", [b"a", b"b\n"]),
        (b"\x04", [b""]),
        (b"\x16\x03\x16\x04\n", [b"\x03\x04\n"]),
        (b"cr\r", [b"cr\n"]),
    ],
)
def test_lines(keys, lines):
    assert typed(keys) == lines


def test_a_line_is_read_in_parts():
    tty = NTty(CANON)
    tty.receive(b"hello\nworld\n")
    assert [tty.read(3), tty.read(100), tty.read(100)] == [b"hel", b"lo\n", b"world\n"]
    assert tty.readable() == 0


def test_a_line_without_end():
    tty = NTty(CANON)
    tty.receive(b"x" * 10000)
    assert tty.receive_room() == 1
    tty.receive(b"\n")
    assert len(tty.read(100000)) == 4096


def test_what_was_typed_stays_when_the_mode_changes():
    tty = NTty(CANON)
    tty.receive(b"line\nrest")
    tty.set_termios(STANDARD)
    assert tty.read(100) == b"line\nrest"
    tty.receive(b"raw")
    tty.set_termios(CANON)
    assert tty.read(100) == b"raw"


def test_echo():
    tty = NTty(replace(CANON, lflag=CANON.lflag | ECHO | ECHOE, oflag=OPOST | ONLCR))
    tty.receive(b"ab\x7f\x03\n")
    assert tty.echo == [b"a", b"b", b"\b", b" ", b"\b", b"^", b"C", b"\r\n"]


@pytest.mark.parametrize(
    ("oflag", "pieces"),
    [
        (0, [(b"ab\nc", 4), (b"d\re", 3)]),
        (ONLCR, [(b"ab\nc", 4), (b"d\re", 3)]),
        (OPOST | ONLCR, [(b"ab", 2), (b"\r\n", 1), (b"cd\re", 4)]),
        (OPOST | OCRNL, [(b"ab\nc", 4), (b"d", 1), (b"\n", 1), (b"e", 1)]),
    ],
)
def test_output(oflag, pieces):
    assert list(NTty(replace(RAW, oflag=oflag)).output(b"ab\ncd\re", 4)) == pieces


def test_room():
    tty = NTty(RAW)
    tty.receive(bytes(4000))
    assert tty.receive_room() == 95
    tty.flush()
    assert tty.receive_room() == 4095
