"""The UART, by the register descriptions of IMX8MMRM."""

import pytest

from rprocfs.hw.bus_device import UartDevice

UART4, IRQ = 0x30A60000, 29
URXD, UTXD, UCR1, UCR2, UCR4, UFCR, USR1, USR2, UTS = (
    UART4 + at for at in (0x00, 0x40, 0x80, 0x84, 0x8C, 0x90, 0x94, 0x98, 0xB4)
)
UARTEN, TXMPTYEN, RRDYEN, TRDYEN = 1, 1 << 6, 1 << 9, 1 << 13
SRST, RXEN, TXEN, ATEN = 1, 2, 4, 8
AGTIM, RRDY, TRDY = 1 << 8, 1 << 9, 1 << 13
RDR, ORE, TXDC, TXFE = 1, 2, 8, 1 << 14


@pytest.fixture
def uart(board):
    board[UCR1], board[UCR2] = UARTEN, SRST | RXEN | TXEN
    return board


def test_reset_values(board):
    assert board[UCR2] == 1
    assert board[UFCR] == 0x801
    assert board[USR1] & (TRDY | RRDY) == TRDY
    assert board[USR2] & (TXFE | TXDC | RDR) == TXFE | TXDC
    assert board[UTS] == 0x60


def test_software_reset_ends_and_empties(uart):
    uart.console.received += b"x"
    uart.pass_us(1)
    assert uart[USR2] & RDR
    uart[UCR2] = 0
    assert uart[UCR2] == SRST
    assert not uart[USR2] & RDR


def test_software_reset_leaves_control_but_not_the_baud_rate(uart):
    """The manual's list: state machines, FIFOs, USR1, USR2, UBIR, UBMR, UBRC, URXD, UTXD, UTS."""
    uart[UART4 + 0xA4], uart[UART4 + 0xA8] = 15, 12
    uart[UCR2] &= ~SRST
    assert uart[UCR2] == SRST | RXEN | TXEN
    assert (uart[UART4 + 0xA4], uart[UART4 + 0xA8]) == (0, 0)
    uart[UTXD] = 65
    assert uart.console.sent == b"A"


def test_automatic_baud_rate_detection_wants_an_a(uart):
    uart[UCR1] |= 1 << 14 | 1 << 15  # ADBR, ADEN
    for byte, detected in ((b"b", 0), (b"a", 1 << 15 | 1 << 11)):
        uart.console.received += byte
        uart.pass_us(1)
        assert uart[USR2] & (1 << 15 | 1 << 11) == detected
    assert IRQ in uart.lines
    uart[USR2] = 1 << 15 | 1 << 11
    assert IRQ not in uart.lines


class Echo(UartDevice):
    """Answers everything."""

    def receive(self, byte):
        self.send(bytes([byte, byte]))


def test_a_device_is_talked_to_instead_of_the_console(uart):
    uart.all.connect("UART4", Echo())
    for byte in range(40):
        uart[UTXD] = byte
    assert uart.console.sent == b""
    uart.console.received += b"typed"
    uart.pass_us(1)
    got = [uart[URXD] & 0xFF for _ in range(80)]
    assert got == [byte for one in range(40) for byte in (one, one)]
    with pytest.raises(ValueError, match="one UartDevice"):
        uart.all.connect("UART4", Echo())


def test_bytes_go_out(uart):
    for byte in b"hello":
        uart[UTXD] = byte
    assert uart.console.sent == b"hello"
    assert uart[USR2] & TXDC


def test_nothing_is_sent_while_it_is_off(board):
    board[UTXD] = 65
    assert board.console.sent == b""


def test_the_fifo_fills_while_nobody_takes_bytes(uart):
    uart.console.room = 0
    for byte in range(33):
        uart[UTXD] = byte
    assert uart[UTS] & (1 << 4 | 1 << 6) == 1 << 4  # TXFULL, not TXEMPTY
    assert not uart[USR2] & (TXDC | TXFE)
    assert not uart[USR1] & TRDY
    uart.console.room = 100
    uart.pass_us(1)
    assert uart.console.sent == bytes(range(32))
    assert uart[USR2] & TXDC


def test_received_bytes_are_marked(uart):
    uart.console.received += b"ab"
    uart.pass_us(1)
    assert uart[USR2] & RDR
    assert [uart[URXD] for _ in range(3)] == [0x8000 | 97, 0x8000 | 98, 0]
    assert not uart[USR2] & RDR


def test_the_threshold_decides_about_rrdy_and_age_about_the_rest(uart):
    uart[UFCR] = 0x804
    uart[UCR1] |= RRDYEN
    uart.console.received += b"abc"
    uart.pass_us(1)
    assert not uart[USR1] & AGTIM
    uart.pass_us(1000)
    assert not uart[USR1] & RRDY
    assert uart[USR1] & AGTIM
    assert IRQ not in uart.lines
    uart[UCR2] |= ATEN
    assert IRQ in uart.lines
    uart[USR1] = AGTIM
    assert IRQ not in uart.lines
    uart.console.received += b"d"
    uart.pass_us(1)
    assert uart[USR1] & RRDY
    assert IRQ in uart.lines


@pytest.mark.parametrize(("register", "enable"), [(UCR1, TRDYEN), (UCR1, TXMPTYEN), (UCR4, 8)])
def test_an_empty_transmitter_interrupts(uart, register, enable):
    uart[register] |= enable
    assert IRQ in uart.lines
    uart[UCR1] &= ~UARTEN
    assert IRQ not in uart.lines


def test_a_long_input_waits_for_room(uart):
    uart.console.received += bytes(range(100))
    uart.pass_us(1)
    taken = []
    while uart[USR2] & RDR:
        taken.append(uart[URXD] & 0xFF)
        uart.pass_us(1)
    assert taken == list(range(100))
    assert not uart[USR2] & ORE


def test_loopback(uart):
    uart[UTS] = 1 << 12
    uart[UTXD] = 0x5A
    assert uart[URXD] & 0xFF == 0x5A
    assert uart.console.sent == b""


def test_input_is_for_the_one_that_has_sent(board):
    for base in (0x30860000, UART4):
        board[base + 0x80], board[base + 0x84] = UARTEN, SRST | RXEN | TXEN
    board[UTXD] = 1
    board.console.received += b"x"
    board.pass_us(1)
    assert board[USR2] & RDR
    assert not board[0x30860098] & RDR
