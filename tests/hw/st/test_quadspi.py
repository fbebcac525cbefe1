"""RM0436 chapter 27, in the order of HAL_QSPI_Command(), _Transmit(), _Receive()."""

import pytest

from rprocfs.hw.bus_device import I2cDevice, SpiDevice

QUADSPI = 0x58003000
CR, SR, FCR, DLR, CCR, AR, DR, PSMKR, PSMAR = 0, 8, 12, 16, 20, 24, 32, 36, 40
EN, TCIE, TCF, FTF, SMF, BUSY = 1, 1 << 17, 2, 4, 8, 32
ONE_LINE, ADDRESS, DATA = 1 << 8, 1 << 10 | 2 << 12, 1 << 24  # instruction; 24 bits; data
READ, POLL = 1 << 26, 2 << 26


class Flash(SpiDevice):
    """Logs transfers, and answers the number of the byte in each."""

    def __init__(self):
        super().__init__()
        self.log = []

    def select(self):
        self.log.append([])

    def transfer(self, byte):
        self.log[-1].append(byte)
        return len(self.log[-1])

    def deselect(self):
        self.log[-1].append("end")


@pytest.fixture
def flash(board):
    one = Flash()
    board.all.connect("QUADSPI", one)
    board[QUADSPI + CR] = EN
    return one


def test_an_instruction(board, flash):
    board[QUADSPI + CCR] = 0x06 | ONE_LINE
    assert (board[QUADSPI + SR], flash.log) == (TCF, [[0x06, "end"]])
    board[QUADSPI + FCR] = TCF
    assert board[QUADSPI + SR] == 0


def test_an_instruction_with_an_address(board, flash):
    board[QUADSPI + CCR] = 0x20 | ONE_LINE | ADDRESS
    assert (board[QUADSPI + SR], flash.log) == (0, [])
    board[QUADSPI + AR] = 0x123456
    assert (board[QUADSPI + SR], flash.log) == (TCF, [[0x20, 0x12, 0x34, 0x56, "end"]])


def test_data_that_is_written(board, flash):
    """HAL_QSPI_Command() has begun nothing before HAL_QSPI_Transmit() writes data."""
    board[QUADSPI + DLR] = 2
    board[QUADSPI + CCR] = 0x02 | ONE_LINE | ADDRESS | DATA
    board[QUADSPI + AR] = 0
    assert (board[QUADSPI + SR], flash.log) == (FTF, [])
    for byte in b"abc":
        assert board[QUADSPI + SR] & FTF
        board.all.write(QUADSPI + DR, 1, byte)
    assert board[QUADSPI + SR] == TCF
    assert flash.log == [[0x02, 0, 0, 0, *b"abc", "end"]]


def test_data_that_is_read(board, flash):
    board[QUADSPI + DLR] = 4
    board[QUADSPI + CCR] = 0x03 | ONE_LINE | ADDRESS | DATA
    board[QUADSPI + AR] = 8
    board[QUADSPI + CCR] = 0x03 | ONE_LINE | ADDRESS | DATA | READ
    board[QUADSPI + AR] = 8
    assert board[QUADSPI + SR] == BUSY | FTF | 5 << 8
    assert board[QUADSPI + DR] == 0x08070605
    assert (board.all.read(QUADSPI + DR, 1), board[QUADSPI + SR]) == (9, TCF)
    assert flash.log == [[0x03, 0, 0, 8, *[0xFF] * 5, "end"]]


def test_dummy_cycles(board, flash):
    """Eight cycles are a byte on one line, and four bytes on four."""
    for mode, count in ((1, 1), (3, 4)):
        board[QUADSPI + CCR] = 0x0B | ONE_LINE | 8 << 18 | mode << 24 | READ
        board[QUADSPI + DR]
        assert len(flash.log[-1]) == 1 + count + 1 + 1


def test_automatic_polling(board, flash):
    """The status is 2 here: the second byte of the transfer."""
    board[QUADSPI + PSMKR], board[QUADSPI + PSMAR] = 3, 2
    board[QUADSPI + CCR] = 0x05 | ONE_LINE | DATA | POLL
    assert board[QUADSPI + SR] == SMF
    board[QUADSPI + FCR] = SMF
    board[QUADSPI + PSMAR] = 1
    board[QUADSPI + CCR] = 0x05 | ONE_LINE | DATA | POLL
    assert board[QUADSPI + SR] == BUSY
    board[QUADSPI + CR] = EN | 2
    assert (board[QUADSPI + SR], board[QUADSPI + CR]) == (TCF, EN)


def test_an_interrupt(board, flash):
    board[QUADSPI + CR] = EN | TCIE
    board[QUADSPI + CCR] = 0x06 | ONE_LINE
    assert board.lines == {92}
    board[QUADSPI + FCR] = TCF
    assert board.lines == set()


def test_an_empty_socket(board):
    board[QUADSPI + CR] = EN
    board[QUADSPI + DLR] = 2
    board[QUADSPI + CCR] = 0x9F | ONE_LINE | DATA | READ
    assert (board[QUADSPI + DR], board[QUADSPI + SR]) == (0xFFFFFF, TCF)


def test_off_nothing_is_sent(board, flash):
    board[QUADSPI + CR] = 0
    board[QUADSPI + CCR] = 0x06 | ONE_LINE
    assert (flash.log, board[QUADSPI + SR]) == ([], 0)


@pytest.mark.parametrize(("place", "kind"), [("QUADSPI", SpiDevice), ("QUADSPI/1", SpiDevice)])
def test_there_is_room_for_one(board, flash, place, kind):
    with pytest.raises(ValueError):
        board.all.connect(place, kind())


def test_another_kind_does_not_fit(board):
    with pytest.raises(ValueError):
        board.all.connect("QUADSPI", I2cDevice())
