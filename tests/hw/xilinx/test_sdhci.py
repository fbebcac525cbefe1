"""The SD host controllers, whose slots are empty."""

import pytest


@pytest.fixture(params=[(0xFF16_0000, 80), (0xFF17_0000, 81)])
def slot(request):
    return request.param


def test_a_reset_and_the_clock(board, slot):
    base, _ = slot
    read, write = board.all.read, board.all.write
    write(base + 0x34, 4, 0xFFFF_FFFF)
    write(base + 0x2F, 1, 1)
    assert read(base + 0x2F, 1) == 0
    assert read(base + 0x34, 4) == 0
    write(base + 0x2C, 2, 1)
    assert read(base + 0x2C, 2) == 3
    write(base + 0x2F, 1, 6)
    assert (read(base + 0x2F, 1), read(base + 0x2C, 2)) == (0, 3)
    assert read(base + 0xFE, 2) & 0xFF == 2
    assert read(base + 0x40, 4) == 0x37EC_6481


def test_nothing_answers_a_command(board, slot):
    base, irq = slot
    read, write = board.all.read, board.all.write
    assert not read(base + 0x24, 4) & 1 << 16
    write(base + 0x34, 4, 0xFFFF_FFFF)
    write(base + 0x38, 4, 1 << 16)
    write(base + 0x0C, 2, 0)
    assert read(base + 0x30, 4) == 0
    write(base + 0x0E, 2, 8 << 8)
    assert read(base + 0x30, 4) == 1 << 16 | 1 << 15
    assert board.lines == {irq}
    write(base + 0x32, 2, 1)
    assert (read(base + 0x30, 4), board.lines) == (0, set())
