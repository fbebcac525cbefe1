"""The UART, from UG1087, module UART."""

CR, MR, IER, IDR, IMR, ISR, RXTOUT, RXWM, SR, FIFO = (
    0xFF00_0000 + offset for offset in (0, 4, 8, 0xC, 0x10, 0x14, 0x1C, 0x20, 0x2C, 0x30)
)
IRQ = 53
REMPTY, TEMPTY, TFUL, RTRIG, TIMEOUT = 2, 8, 16, 1, 1 << 8


def test_the_boot_loader_has_turned_it_on(board):
    """Images of the vendor's BSP print without setting it up."""
    assert board[CR] & 0x3C == 0x14
    assert board[MR] & 0x3FF == 0x20
    board[FIFO] = 0x41
    assert board.console.sent == b"A"
    assert board[RXWM] == 0x20
    assert board[SR] & (REMPTY | TEMPTY | TFUL) == REMPTY | TEMPTY


def test_input_waits_for_a_core_that_looks_at_the_uart(board):
    """Not for the first UART that is on: it need not be the one that the image uses."""
    board.console.received += b"x"
    board.all.poll()
    second = 0x1_0000
    assert board[SR + second] & REMPTY
    board.all.poll()
    assert not board[SR + second] & REMPTY
    assert board[FIFO + second] == ord("x")


def test_nothing_is_sent_by_a_transmitter_that_is_off(board):
    board[CR] = 0x128
    board[FIFO] = 0x41
    assert board.console.sent == b""
    board[CR] = 0x14
    board[FIFO] = 0x41
    assert board.console.sent == b"A"


def test_what_there_is_no_room_for_waits_in_the_fifo(board):
    board[CR] = 0x14
    board.console.room = 0
    for _ in range(64):
        board[FIFO] = 0x41
    assert board[SR] & TFUL
    assert not board[SR] & TEMPTY
    board[FIFO] = 0x42  # lost
    assert board[ISR] & 1 << 12
    board.console.room = 100
    board.all.poll()
    assert board.console.sent == b"A" * 64
    assert board[SR] & TEMPTY


def test_the_transmitters_interrupt(board):
    board[CR] = 0x14
    board[IER] = TEMPTY
    assert IRQ in board.lines
    assert board[IMR] == TEMPTY
    board[IDR] = TEMPTY
    assert IRQ not in board.lines


def test_input_by_trigger_level_and_by_timeout(board):
    board[CR] = 0x14
    board[RXWM] = 2
    board[IER] = RTRIG
    board.console.received += b"x"
    board.all.poll()
    assert IRQ not in board.lines
    board.console.received += b"y"
    board.all.poll()
    assert IRQ in board.lines
    assert bytes((board[FIFO], board[FIFO])) == b"xy"
    board[ISR] = RTRIG
    assert IRQ not in board.lines
    assert board[SR] & REMPTY
    board[RXTOUT] = 10
    board[IER] = TIMEOUT
    board.console.received += b"z"
    board.all.poll()
    assert IRQ in board.lines
    board[ISR] = TIMEOUT
    assert IRQ not in board.lines


def test_a_flag_whose_cause_goes_on_is_set_again(board):
    board[CR] = 0x14
    board[RXWM] = 1
    board[IER] = RTRIG
    board.console.received += b"x"
    board.all.poll()
    board[ISR] = RTRIG
    assert IRQ in board.lines


def test_a_receiver_that_is_off_takes_nothing(board):
    board.console.received += b"x"
    board.all.poll()
    assert board.console.received == b"x"
    board[CR] = 0x14
    board.all.poll()
    assert board.console.received == b""
    board[CR] = 0x15  # which resets it
    assert board[SR] & REMPTY


def test_local_loopback(board):
    """As XUartPs_SelfTest() does: what is sent comes in, and not out."""
    board[MR] = board[MR] & ~0x300 | 0x200
    for byte in b"loop":
        board[FIFO] = byte
        assert not board[SR] & REMPTY
        assert board[FIFO] == byte
        assert board[SR] & REMPTY
    for _ in range(65):
        board[FIFO] = 0x41
    assert board[ISR] & 1 << 5
    board.console.received += b"x"
    board.all.poll()
    assert board.console.received == b"x"
    assert board.console.sent == b""


def test_echo_and_remote_loopback(board):
    board[MR] = 0x120
    board.console.received += b"x"
    board.all.poll()
    assert board[FIFO] == ord("x")
    assert board.console.sent == b"x"
    board[MR] = 0x320
    board.console.received += b"y"
    board.all.poll()
    assert board[SR] & REMPTY
    assert board.console.sent == b"xy"
