"""RM0436 chapter 52."""

from typing import ClassVar

import pytest

from rprocfs.hw.bus_device import UartDevice

UART4, USART3 = 0x40010000, 0x4000F000
CR1, ISR, ICR, RDR, TDR = 0, 0x1C, 0x20, 0x24, 0x28
UE, RE, TE, RXNEIE, TCIE, TXEIE = 1, 4, 8, 0x20, 0x40, 0x80
ORE, RXNE, TC, TXE = 8, 0x20, 0x40, 0x80


def test_nothing_is_sent_while_it_is_off(board):
    board[UART4 + TDR] = ord("x")
    board[UART4 + CR1] = UE
    board[UART4 + TDR] = ord("x")
    assert (board.console.sent, board[UART4 + ISR]) == (b"", TC | TXE)


@pytest.mark.parametrize("base", [UART4, USART3])
def test_bytes_go_to_the_console(board, base):
    board[base + CR1] = UE | TE
    for byte in b"hello":
        assert board[base + ISR] & TXE
        board[base + TDR] = byte
    assert board.console.sent == b"hello"


def test_the_acknowledgements(board):
    board[UART4 + CR1] = UE | TE | RE
    assert board[UART4 + ISR] >> 21 & 3 == 3


def test_a_full_console(board):
    board.console.room = 1
    board[UART4 + CR1] = UE | TE | TXEIE
    assert board.lines == {52}
    board[UART4 + TDR] = ord("a")
    board[UART4 + TDR] = ord("b")
    assert board[UART4 + ISR] & (TXE | TC) == 0
    assert board.lines == set()
    board.console.room = 9
    board.all.poll()
    assert board.console.sent == b"ab"
    assert board.lines == {52}


def test_a_byte_comes_in(board):
    board[UART4 + CR1] = UE | RE | RXNEIE
    board.console.received += b"yz"
    board.all.poll()
    assert board.lines == {52}
    board.all.poll()
    assert board[UART4 + ISR] & (RXNE | ORE) == RXNE
    assert board[UART4 + RDR] == ord("y")
    assert board.lines == set()
    board.all.poll()
    assert board[UART4 + RDR] == ord("z")


def test_input_waits_for_somebody_who_listens(board):
    board.console.received += b"y"
    board.all.poll()
    board[USART3 + CR1] = UE | RE
    board.all.poll()
    assert board[USART3 + RDR] == ord("y")


def test_input_is_for_the_one_that_speaks(board):
    board[UART4 + CR1] = board[USART3 + CR1] = UE | RE | TE
    board[USART3 + TDR] = ord(">")
    board.console.received += b"y"
    board.all.poll()
    assert (board[UART4 + ISR] & RXNE, board[USART3 + ISR] & RXNE) == (0, RXNE)


def test_the_transmission_is_complete(board):
    board[UART4 + CR1] = UE | TE | TCIE
    board[UART4 + ICR] = TC
    assert board.lines == set()
    board[UART4 + TDR] = 1
    assert board.lines == {52}


def test_a_fifo_is_as_deep_as_a_register(board):
    board[UART4 + CR1] = UE | TE | RE | 1 << 29
    assert board[UART4 + ISR] >> 23 & 0x1F == 0b10001
    board[UART4 + 8] = 1 << 23
    assert board.lines == {52}
    board[UART4 + 8] = 1 << 28
    assert board.lines == set()
    board.console.received += b"y"
    board.all.poll()
    assert board.lines == {52}
    assert board[UART4 + ISR] >> 26 & 1
    board[UART4 + 0x18] = 8
    assert board.lines == set()


def test_the_line_is_idle_behind_the_last_byte(board):
    """As HAL_UARTEx_ReceiveToIdle_IT() waits for it."""
    board[UART4 + CR1] = UE | RE | 1 << 4
    board.console.received += b"ab"
    board.all.poll()
    assert board[UART4 + ISR] & (RXNE | 1 << 4) == RXNE
    assert board[UART4 + RDR] == ord("a")
    board.all.poll()
    assert board[UART4 + ISR] & (RXNE | 1 << 4) == RXNE | 1 << 4
    assert board.lines == {52}
    board[UART4 + ICR] = 1 << 4
    assert board.lines == set()
    assert board[UART4 + RDR] == ord("b")
    board.all.poll()
    assert board[UART4 + ISR] & 1 << 4 == 0


class Answering(UartDevice):
    """Says everything twice."""

    inputs: ClassVar = {"press": 0}

    def receive(self, byte):
        self.send(bytes((byte, byte)))

    def set(self, name, value):
        super().set(name, value)
        self.send(b"%s %d" % (name.encode(), value))


@pytest.fixture
def device(board):
    one = Answering()
    board.all.connect("UART4", one)
    board[0x40010000] = 1 | 4 | 8
    return one


def received(board):
    data = bytearray()
    while board[0x4001001C] & 0x20:
        data.append(board[0x40010024])
    return bytes(data)


def test_a_device_answers(board, device):
    for byte in b"ab":
        board[0x40010028] = byte
    assert (received(board), board.console.sent) == (b"aabb", b"")


def test_a_device_has_inputs(board, device):
    board.all.inputs["UART4/press"].drive(-5)
    assert (received(board), board.all.inputs["UART4/press"].level) == (b"press -5", -5)


def test_it_waits_for_the_receiver(board, device):
    board[0x40010000] = 0
    board.all.inputs["UART4/press"].drive(1)
    assert received(board) == b""
    board[0x40010000] = 1 | 4
    assert received(board) == b"press 1"


def test_the_console_is_elsewhere_then(board, device):
    board[0x4000E000] = 1 | 4 | 8
    board.console.received += b"x"
    board.all.poll()
    assert (board[0x4000E01C] & 0x20, board[0x4001001C] & 0x20) == (0x20, 0)


@pytest.mark.parametrize("place", ["UART4", "UART5/1"])
def test_where_none_can_be_connected(board, device, place):
    with pytest.raises(ValueError):
        board.all.connect(place, Answering())
