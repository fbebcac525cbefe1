"""The general purpose DMAs, by the descriptions of their registers."""

import struct

import pytest

SOURCE, TARGET, LISTS = 0x10_1000, 0x10_4000, 0x10_8000
ISR, IMR, IEN, IDS, CTRL0, STATUS = 0x100, 0x104, 0x108, 0x10C, 0x110, 0x11C
SRC_DSCR, DST_DSCR, WR_ONLY, SRC_START, DST_START = 0x128, 0x138, 0x148, 0x158, 0x160
TOTAL, SRC_ACCT, DST_ACCT, CTRL2 = 0x188, 0x190, 0x194, 0x200
DONE, PAUSED = 0x400, 0x800
SIZE = 1000
DATA = bytes(number * 7 & 0xFF for number in range(SIZE))


@pytest.fixture(params=[(0xFFA8_0000, 109), (0xFFAF_0000, 116), (0xFD50_0000, 156)])
def dma(request, board):
    """A channel's registers; `dma.irq` is its interrupt."""

    class Dma:
        base, irq = request.param

        def __getitem__(self, offset):
            return board[self.base + offset]

        def __setitem__(self, offset, value):
            board[self.base + offset] = value

    board.memory.put(SOURCE, DATA)
    return Dma()


def simple(dma, source=SOURCE, target=TARGET, size=SIZE):
    for register, address in ((SRC_DSCR, source), (DST_DSCR, target)):
        dma[register], dma[register + 4], dma[register + 8] = address, 0, size
    dma[CTRL2] = 1


def test_reset_values(dma):
    assert [dma[at] for at in (ISR, IMR, CTRL0, 0x114, 0x120, 0x124, STATUS)] == [
        0, 0xFFF, 0x80, 0x3FF, 0x0483_D20F, 0, 0,
    ]  # fmt: skip


def test_a_simple_transfer_and_its_interrupt(dma, board):
    dma[IEN] = DONE
    simple(dma)
    assert board.memory.code(TARGET, SIZE) == DATA
    assert (dma[ISR], dma[STATUS], dma[CTRL2], dma[TOTAL]) == (DONE, 0, 0, SIZE)
    assert board.lines == {dma.irq}
    dma[ISR] = DONE
    assert board.lines == set()
    dma[TOTAL] = 0
    assert dma[TOTAL] == 0


def test_write_only(dma, board):
    for number in range(4):
        dma[WR_ONLY + 4 * number] = 0x0101_0101 * (number + 1)
    dma[CTRL0] = 0x90
    simple(dma, size=48)
    width = 16 if dma.base < 0xFF00_0000 else 8
    pattern = b"".join(bytes([number + 1]) * 4 for number in range(width // 4))
    assert board.memory.code(TARGET, 49) == pattern * (48 // width) + b"\0"


def linear(board, side, entries):
    data = b"".join(struct.pack("<QII", *entry) for entry in entries)
    board.memory.put(LISTS + 0x800 * side, data)


def test_scattered_pieces_are_gathered(dma, board):
    """One list has three pieces, the other one two; those that interrupt are counted."""
    linear(board, 0, [(SOURCE, 100, 4), (SOURCE + 100, 300, 0), (SOURCE + 400, 600, 0x14)])
    linear(board, 1, [(TARGET, 512, 4), (TARGET + 0x1000, 488, 4)])
    dma[CTRL0] = 0xC0
    dma[SRC_START], dma[DST_START] = LISTS, LISTS + 0x800
    dma[CTRL2] = 1
    assert board.memory.code(TARGET, 512) == DATA[:512]
    assert board.memory.code(TARGET + 0x1000, 488) == DATA[512:]
    assert dma[ISR] == DONE | 6
    assert (dma[SRC_ACCT], dma[SRC_ACCT], dma[DST_ACCT]) == (2, 0, 2)


def test_a_linked_list_pauses_and_goes_on(dma, board):
    second = LISTS + 0x400
    board.memory.put(LISTS, struct.pack("<QIIQ", SOURCE, 10, 2 | 1 << 3, second))
    board.memory.put(second, struct.pack("<QIIQ", SOURCE + 10, 20, 2 | 2 << 3, 0))
    linear(board, 1, [(TARGET, 10, 0), (TARGET + 10, 20, 0)])
    dma[CTRL0] = 0xC0
    dma[SRC_START], dma[DST_START] = LISTS, LISTS + 0x800
    dma[CTRL2] = 1
    assert (dma[STATUS], dma[ISR]) == (1, PAUSED)
    assert board.memory.code(TARGET, 30) == DATA[:10] + bytes(20)
    dma[CTRL0] = 0xC2
    assert dma[CTRL0] == 0xC0
    assert (dma[STATUS], dma[ISR]) == (0, PAUSED | DONE)
    assert board.memory.code(TARGET, 30) == DATA[:30]


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [({"source": 0x20}, 0x100), ({"target": 0x8000_0000}, 0x200), ({"target": 0x10_FFF0}, 0x200)],
)
def test_what_it_cannot_reach_is_an_error(dma, arguments, flag):
    """The TCM at 0 is the core's alone."""
    simple(dma, **arguments)
    assert (dma[ISR], dma[STATUS], dma[CTRL2]) == (flag, 3, 0)


def test_a_ring_of_descriptors_leaves_the_core_its_time(dma, board):
    board.memory.put(LISTS, struct.pack("<QIIQ", SOURCE, 0, 2, LISTS))
    dma[CTRL0] = 0xC0
    dma[SRC_START], dma[DST_START] = LISTS, LISTS
    dma[CTRL2] = 1
    assert dma[STATUS] == 2
    board.all.poll()
    assert dma[STATUS] == 2
    dma[CTRL2] = 0
    assert dma[STATUS] == 0
    board.all.poll()
    assert board.all.deadline is None


def test_the_destination_says_how_much_is_only_written(dma, board):
    dma[CTRL0] = 0x90
    dma[WR_ONLY] = 0x0101_0101
    dma[DST_DSCR], dma[DST_DSCR + 8], dma[SRC_DSCR + 8] = TARGET, 4, 8
    dma[CTRL2] = 1
    assert (board.memory.code(TARGET, 5), dma[TOTAL]) == (b"\1\1\1\1\0", 4)


def test_lists_are_read_and_written_in_every_mode(dma, board):
    linear(board, 0, [(SOURCE, 100, 0x10)])
    linear(board, 1, [(TARGET, 100, 0)])
    dma[SRC_START], dma[DST_START] = LISTS, LISTS + 0x800
    for mode in (0x10, 0x20):
        board.memory.put(TARGET, bytes(100))
        dma[CTRL0] = 0xC0 | mode
        dma[CTRL2] = 1
        assert board.memory.code(TARGET, 100) == DATA[:100]


@pytest.mark.parametrize(("register", "flag"), [(SRC_START, 0x40), (DST_START, 0x80)])
def test_descriptors_are_aligned(dma, board, register, flag):
    linear(board, 0, [(SOURCE, 100, 0x10)])
    linear(board, 1, [(TARGET, 100, 0)])
    dma[SRC_START], dma[DST_START] = LISTS, LISTS + 0x800
    dma[register] = dma[register] + 8
    dma[CTRL0] = 0xC0
    dma[CTRL2] = 1
    assert (dma[ISR], dma[STATUS]) == (flag, 3)
