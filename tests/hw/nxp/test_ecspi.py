"""The SPI controller, from the chapter "ECSPI"."""

ECSPI1 = 0x3082_0000
RXDATA, TXDATA, CONREG, INTREG, STATREG, TESTREG = (
    ECSPI1 + offset for offset in (0, 4, 8, 0x10, 0x18, 0x20)
)
EN, XCH, SMC, BYTES = 1, 1 << 2, 1 << 3, 7 << 20
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
