"""The SPI controller, from the chapter "ECSPI"."""

import pytest

from rprocfs.hw.bus_device import I2cDevice, SpiDevice

ECSPI1, GPIO5 = 0x3082_0000, 0x3024_0000
RXDATA, TXDATA, CONREG, INTREG, STATREG, TESTREG = (
    ECSPI1 + offset for offset in (0, 4, 8, 0x10, 0x18, 0x20)
)
EN, XCH, SMC, BYTES = 1 | 1 << 4, 1 << 2, 1 << 3, 7 << 20  # EN: as a controller
TE, TDR, RR, RDR, RO, TC = 1, 2, 8, 16, 1 << 6, 1 << 7


def test_a_burst_begins_as_soon_as_it_is_written(board):
    """ECSPI_MasterTransferBlocking() waits for RR; nobody answers."""
    board[CONREG] = EN | SMC | BYTES
    assert board[STATREG] == TE | TDR
    board[TXDATA] = 0x5A
    assert board[STATREG] == TE | TDR | RR | RDR | TC
    assert board[TESTREG] == 1 << 8
    assert board[RXDATA] == 0xFF
    board[STATREG] = TC
    assert board[STATREG] == TE | TDR


def test_a_burst_begins_when_it_is_asked_for(board):
    board[CONREG] = EN | BYTES
    board[TXDATA] = 1
    board[TXDATA] = 2
    assert board[STATREG] & (TE | RR) == 0
    board[CONREG] = EN | BYTES | XCH
    assert not board[CONREG] & XCH
    assert board[TESTREG] == 2 << 8


def test_loopback_and_the_interrupt(board):
    board[CONREG] = EN | SMC | BYTES
    board[TESTREG] = 1 << 31
    board[INTREG] = RR
    assert not board.lines
    board[TXDATA] = 0x15A
    assert board.lines == {31}
    assert board[RXDATA] == 0x5A
    assert not board.lines


def test_a_controller_that_is_off_has_nothing(board):
    board[TXDATA] = 1
    assert board[STATREG] == TE | TDR
    board[CONREG] = EN | SMC
    for _ in range(65):
        board[TXDATA] = 1
    assert board[STATREG] & RO
    board[CONREG] = 0
    assert board[TESTREG] == 0


def test_a_target_waits(board):
    board[CONREG] = 1 | SMC | BYTES
    board[TXDATA] = 1
    assert not board[STATREG] & (TE | RR)


def test_a_burst_of_words_begins_with_what_is_left_over(board):
    """40 bits: 8 of the first word, 32 of the second."""
    board[CONREG] = EN | SMC | 39 << 20
    board[TESTREG] = 1 << 31
    for word in (0x1234_5678, 0x9ABC_DEF0, 0x1234_5678):
        board[TXDATA] = word
    assert [board[RXDATA] for _ in range(3)] == [0x78, 0x9ABC_DEF0, 0x78]


class Memory(SpiDevice):
    """Answers with the byte before."""

    def __init__(self):
        super().__init__()
        self.seen, self.last = [], 0

    def select(self):
        self.seen.append("select")

    def transfer(self, byte):
        self.last, before = byte, self.last
        return before

    def deselect(self):
        self.seen.append("deselect")


def test_a_device_without_a_pin_is_selected_while_it_is_on(board):
    device = Memory()
    board.all.connect("ECSPI1", device)
    board[CONREG] = EN | SMC | 31 << 20
    board[TXDATA] = 0x1122_3344
    assert board[RXDATA] == 0x0011_2233
    board[CONREG] = 0
    assert device.seen == ["select", "deselect"]


def test_a_device_with_a_pin_is_selected_by_that(board):
    device = Memory()
    board.all.connect("ECSPI1/GPIO5/9", device)
    board[GPIO5], board[GPIO5 + 4] = 1 << 9, 1 << 9
    board[CONREG] = EN | SMC | BYTES
    board[TXDATA] = 5
    assert board[RXDATA] == 0xFF
    board[GPIO5] = 0
    for byte in (5, 6):
        board[TXDATA] = byte
    assert [board[RXDATA] for _ in range(2)] == [0, 5]
    board[GPIO5] = 1 << 9
    assert device.seen == ["select", "deselect"]


def test_what_cannot_be_connected(board):
    with pytest.raises(ValueError, match="no SpiDevice"):
        board.all.connect("ECSPI1", I2cDevice())
    with pytest.raises(ValueError, match="no pin"):
        board.all.connect("ECSPI1/GPIO9/1", Memory())
