"""The generic quad SPI controller: its FIFO of entries, its DMA, a flash."""

import pytest

from rprocfs.hw.bus_device import I2cDevice, SpiDevice

QSPI, TARGET = 0xFF0F_0000, 0x10_2000
CFG, ISR, IER, IDR, IMR, EN, TXD, RXD = (
    QSPI + at for at in (0x100, 0x104, 0x108, 0x10C, 0x110, 0x114, 0x11C, 0x120)
)
GEN_FIFO, FIFO_CTRL, DST_ADDR, DST_SIZE = (QSPI + at for at in (0x140, 0x14C, 0x800, 0x804))
DST_I_STS, DST_I_EN = QSPI + 0x814, QSPI + 0x818
CS, BUS, DATA, EXP, TX, RX = 1 << 12, 1 << 14, 1 << 8, 1 << 9, 1 << 16, 1 << 17
SPI, MANUAL, START, DMA = 1 << 10, 1 << 29, 1 << 28, 2 << 30
EMPTY = 0xB80 | 4  # all FIFOs, and there is room


class Flash(SpiDevice):
    """Answers 9F with its ID, 03 and an address with bytes that count."""

    def __init__(self):
        super().__init__()
        self.sent, self.selections = [], 0

    def select(self):
        self.sent, self.selections = [], self.selections + 1

    def transfer(self, byte):
        self.sent.append(byte)
        at = len(self.sent)
        if self.sent[0] == 0x9F:
            return (0xFF, 0x20, 0xBB, 0x21)[min(at - 1, 3)]
        return at - 5 & 0xFF if at > 4 else 0xFF


@pytest.fixture
def flash(board):
    one = Flash()
    board.all.connect("QSPI/lower", one)
    return one


def entries(board, *words):
    for word in words:
        board[GEN_FIFO] = word | SPI | BUS
    board[CFG] = board[CFG] | START


def begin(board, mode=0):
    board[CFG] = mode | MANUAL
    board[EN] = 1


def test_reset_values(board):
    assert board[ISR] == EMPTY
    assert (board[IMR], board[QSPI + 0x128], board[QSPI + 0x150]) == (0xFBE, 1, 0x10)
    assert (board[QSPI + 0x130], board[QSPI + 0x1FC]) == (1, 0x010A_0000)
    assert board[QSPI + 0x824] == 0x081B_FFF8


def test_without_a_flash_all_bits_are_ones(board):
    begin(board)
    entries(board, CS | 5, CS | TX | 0x9F, CS | DATA | RX | 3, 5)
    assert board[ISR] & 0x10
    assert board[RXD] == 0x00FF_FFFF
    assert board[ISR] == EMPTY


def test_entries_wait_for_the_start(board, flash):
    begin(board)
    board[GEN_FIFO] = CS | SPI | BUS | 5
    assert not board[ISR] & 0x80
    assert flash.selections == 0
    board[CFG] = board[CFG] | START
    assert board[ISR] & 0x80
    assert (flash.selections, board[CFG] & START) == (1, 0)


def test_the_id_by_words(board, flash):
    begin(board)
    board[TXD] = 0x1234_569F  # of which one byte is sent
    entries(board, CS | 5, CS | DATA | TX | 1, CS | DATA | RX | 3, 5)
    assert board[RXD] == 0x0021_BB20
    assert flash.sent == [0x9F, 0, 0, 0]
    assert board[ISR] == EMPTY


def test_a_read_by_dma_and_its_interrupt(board, flash):
    begin(board, DMA)
    board[DST_I_EN] = 2
    board[DST_ADDR], board[DST_SIZE] = TARGET, 1024
    board[TXD] = 3
    entries(board, CS | 5, CS | DATA | TX | 4, CS | DATA | EXP | RX | 10, 5)
    assert board.memory.code(TARGET, 1025) == bytes(range(256)) * 4 + b"\0"
    assert (board[DST_I_STS], board[DST_SIZE], board[DST_ADDR]) == (2, 0, TARGET + 1024)
    assert board.lines == {47}
    board[DST_I_STS] = 2
    assert board.lines == set()


def test_data_waits_for_room(board, flash):
    begin(board)
    board[TXD] = 3
    entries(board, CS | 5, CS | DATA | TX | 4, CS | DATA | EXP | RX | 9, 5)
    assert board[ISR] & 0xA0 == 0x20
    words = [board[RXD].to_bytes(4, "little") for _ in range(128)]
    assert b"".join(words) == bytes(range(256)) * 2
    assert board[ISR] == EMPTY


def test_fifos_are_emptied(board):
    board[TXD], board[GEN_FIFO] = 5, 5
    assert not board[ISR] & 0x180
    board[FIFO_CTRL] = 3
    assert board[ISR] == EMPTY
    board[IER] = 0x80
    assert (board[IMR], board.lines) == (0xF3E, {47})
    board[IDR] = 0x80
    assert (board[IMR], board.lines) == (0xFBE, set())


def test_what_can_be_connected(board, flash):
    board.all.connect("QSPI/upper", Flash())
    for place, device in (("QSPI", Flash()), ("QSPI/x", Flash()), ("QSPI/upper", I2cDevice())):
        with pytest.raises(ValueError, match="lower and upper"):
            board.all.connect(place, device)
