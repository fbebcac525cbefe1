"""Firmware that ends by a semihosting call, and that asks for a file of the host's."""

import struct

import pytest

OPEN, EXIT, EXIT_EXTENDED = 1, 0x18, 0x20
GOOD, BAD = 0x20026, 0x20023
CODE, NAME, BLOCK, RESULT = 0x2100_8000, 0x2100_9000, 0x2100_9100, 0x2100_9200


def firmware(path, number, argument, block):
    """r0 = SYS_OPEN(path, "w"); *RESULT = r0; r0 = *number*, r1 = *argument*; bkpt 0xab."""
    code = struct.pack(
        "<9H", 0x2001, 0x4904, 0xBEAB, 0x4A05, 0x6010, 0x2000 | number, 0x4902, 0xBEAB, 0xE7FE
    ) + bytes(2)
    name = str(path).encode()

    def prepare(ram):
        words = struct.pack("<3I", NAME + 0x80, argument or BLOCK, RESULT)
        for da, data in (
            (CODE, code + words),
            (NAME, name + b"\0"),
            (NAME + 0x80, struct.pack("<3I", NAME, 4, len(name))),
            (BLOCK, struct.pack("<2I", *block)),
            (RESULT, b"\xee" * 4),
            (0x2100_0004, struct.pack("<I", CODE | 1)),
        ):
            ram.at(da, len(data))[:] = data

    return prepare


@pytest.mark.parametrize(
    ("number", "argument", "block", "kind", "reason"),
    [
        (EXIT, GOOD, (0, 0), "exit", "clean exit"),
        (EXIT, BAD, (0, 0), "crash", "exit status 1"),
        (EXIT_EXTENDED, 0, (GOOD, 0), "exit", "clean exit"),
        (EXIT_EXTENDED, 0, (GOOD, 3), "crash", "exit status 3"),
    ],
)
def test_it_ends_and_gets_no_file(host, tmp_path, number, argument, block, kind, reason):
    path = tmp_path / "f"
    assert len(str(path)) < 0x80
    one = host("crash.elf", prepare=firmware(path, number, argument, block))
    one.wait(lambda: one.deaths)
    (death,) = one.deaths
    assert (death.kind, death.reason) == (kind, reason)
    assert bytes(one.ram.at(RESULT, 4)) == b"\x01\0\0\0"  # the call itself: nobody answered
    assert not path.exists()
