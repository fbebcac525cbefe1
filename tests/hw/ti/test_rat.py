"""The address translation, by SPRUIV7, and what the core finds behind it."""

import pytest

from rprocfs.hw.ti.rat import Rat
from tests.hw.ti.conftest import Board


def rat(*regions):
    made = Rat()
    for number, (local, bus, bits, high) in enumerate(regions):
        for at, word in enumerate((1 << 31 | bits, local, bus, high)):
            made.write(0x20 + 16 * number + 4 * at, 4, word)
    return made


def test_without_regions_addresses_are_those_of_the_bus():
    for address in (0, 0x60000000, 0x9CC00000, 0xFFFFFFFF):
        assert rat().translate(address) == address


@pytest.mark.parametrize("bits", [0, 12, 28, 29, 31])
def test_both_sides_of_both_edges(bits):
    size = 1 << bits
    made = rat((0x80000000, 0x40000000, bits, 0))
    assert made.translate(0x80000000) == 0x40000000 & ~(size - 1)
    last = 0x80000000 + size - 1
    assert made.translate(last) == (0x40000000 & ~(size - 1)) + size - 1
    assert made.translate(0x7FFFFFFF) == 0x7FFFFFFF
    assert made.translate(last + 1 & 0xFFFFFFFF) == last + 1 & 0xFFFFFFFF


def test_four_gigabytes_are_everything():
    assert rat((0, 0, 32, 0)).translate(0xDEADBEEF) == 0xDEADBEEF


def test_the_first_region_counts_and_a_disabled_one_does_not():
    made = rat((0x80000000, 0x10000000, 16, 0), (0x80000000, 0x20000000, 28, 0))
    assert made.translate(0x80000004) == 0x10000004
    assert made.translate(0x80010004) == 0x20010004
    made.write(0x20, 4, 16)
    assert made.translate(0x80000004) == 0x20000004


def test_what_is_beyond_32_bits_of_the_bus():
    assert rat((0x80000000, 0, 28, 1)).translate(0x80000000) is None


def test_registers():
    made = rat()
    assert made.read(0x04, 4) == 0x240108  # eight regions
    for offset, kept in ((0x20, 0x8000003F), (0x24, 0xFFFFFFFF), (0x2C, 0xFFFF), (0x98, 2**32 - 1)):
        made.write(offset, 4, 0xFFFFFFFF)
        assert made.read(offset, 4) == kept
    made.write(0xA0, 4, 1)  # a ninth region
    assert made.read(0xA0, 4) == 0


def test_a_device_is_where_firmware_put_it():
    board = Board()
    board.region(0, 0x60000000, 0)
    board[0x64A0001C] = 0x5A  # the scratchpad of MCU_UART0
    board.region(0, 0x80000000, 0)
    assert board[0x84A0001C] == board[0x04A0001C] == 0x5A
    assert board.debug == []


def test_memory_is_seen_by_its_address_on_the_bus(board):
    board[0x85000000] = 0x12345678  # the IRAM
    board[0x85040004] = 0x9ABCDEF0  # the DRAM
    assert board.memory.code(0, 4) == (0x12345678).to_bytes(4, "little")
    assert board[0x85040004] == 0x9ABCDEF0
    assert board.memory.code(0x30004, 4) == (0x9ABCDEF0).to_bytes(4, "little")
    board.all.write(0x85000001, 1, 0xFF)
    assert board[0x85000000] == 0x1234FF78


def test_ddr_stays_where_it_is_and_that_is_said_once(board):
    board.region(3, 0x80000000, 0, bits=29)
    board.region(4, 0x90000000, 0x10000000)
    board.region(5, 0x90000000, 0x10000000)
    assert board.debug == ["RAT: 0x90000000 is to be 0x10000000, but stays DDR"]


def test_beyond_32_bits_nothing_is(board):
    board.region(3, 0xC0000000, 0, high=1)
    board[0xC0000000] = 1
    assert board[0xC0000000] == 0
