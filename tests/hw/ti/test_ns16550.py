"""The UART, by the register descriptions of SPRUIV7."""

import pytest

from rprocfs.hw.ti.ns16550 import DEPTH, Ns16550

UART, IRQ = 0x84A00000, 24
DATA, IER, IIR, LCR, MCR, LSR, MSR, SPR = range(0, 0x20, 4)
MDR1, SSR, SYSC, SYSS, RXLVL, TXLVL = 0x20, 0x44, 0x54, 0x58, 0x64, 0x68


@pytest.fixture
def uart():
    class Bench(Ns16550):
        def __init__(self):
            self.level, self.out, self.room = False, bytearray(), 10**9
            super().__init__(self.transmit, self.tell)

        def transmit(self, byte):
            if len(self.out) >= self.room:
                return False
            self.out.append(byte)
            return True

        def tell(self, level):
            self.level = level

        def __getitem__(self, offset):
            return self.read(offset, 4)

        def __setitem__(self, offset, value):
            self.write(offset, 4, value)

    made = Bench()
    made[MDR1] = 0
    made[IIR] = 7  # FCR: FIFOs, both cleared
    return made


def test_it_is_off_until_mdr1_says_what_it_is():
    out = bytearray()
    uart = Ns16550(lambda byte: out.append(byte) or True, lambda level: None)
    assert uart.read(MDR1, 4) == 7
    uart.write(DATA, 4, 65)
    uart.receive(65)
    assert (out, uart.ready, uart.read(LSR, 4)) == (b"", False, 0x60)
    uart.write(MDR1, 4, 0)
    uart.write(DATA, 4, 65)
    assert (out, uart.ready) == (b"A", True)


def test_the_divisor_and_efr_are_behind_lcr(uart):
    uart[IER] = 5
    uart[LCR] = 0xBF
    uart[DATA], uart[IER], uart[IIR] = 26, 1, 0x10  # DLL, DLH, EFR
    assert (uart[DATA], uart[IER], uart[IIR]) == (26, 1, 0x10)
    uart[LCR] = 0x83
    assert (uart[DATA], uart[IER]) == (26, 1)
    uart[LCR] = 3
    assert (uart[IER], uart[LSR], uart.out) == (5, 0x60, b"")


def test_a_software_reset(uart):
    uart[IER], uart[SPR] = 1, 9
    uart[SYSC] = 2
    assert (uart[SYSS], uart[IER], uart[SPR], uart[MDR1]) == (1, 0, 0, 7)


def test_bytes_go_out_and_wait_without_room(uart):
    uart.room = 1
    for byte in b"abc":
        uart[DATA] = byte
    assert (uart.out, uart[TXLVL], uart[LSR] & 0x60, uart.idle) == (b"a", 2, 0, False)
    uart.room = 100
    assert uart[LSR] & 0x60 == 0x60
    assert (uart.out, uart[TXLVL]) == (b"abc", 0)


def test_a_full_fifo_is_said_and_loses(uart):
    uart.room = 0
    for byte in range(DEPTH):
        assert uart[SSR] == 0
        uart[DATA] = byte
    assert uart[SSR] == 1
    uart[DATA] = 99
    uart.room = 100
    uart.retry()
    assert uart.out == bytes(range(DEPTH))


def test_reception_at_the_trigger_level(uart):
    uart[IER] = 1
    for number in range(8):
        assert not uart.level
        uart.receive(number)
    assert uart.level
    assert uart[IIR] == 0xC4
    assert (uart[LSR] & 1, uart[RXLVL]) == (1, 8)
    assert uart[DATA] == 0
    assert not uart.level
    assert [uart[DATA] for _ in range(7)] == [1, 2, 3, 4, 5, 6, 7]
    assert uart[LSR] & 1 == 0


def test_a_few_bytes_and_silence(uart):
    uart[IER] = 1
    uart.receive(65)
    assert not uart.level
    uart.receive(66, last=True)
    assert uart.level
    assert uart[IIR] == 0xCC
    assert (uart[DATA], uart[DATA], uart.level) == (65, 66, False)


def test_without_fifos_there_is_one_byte(uart):
    uart[IIR] = 0
    uart[IER] = 1
    uart.receive(1)
    assert (uart.level, uart[IIR], uart.ready) == (True, 4, False)


def test_an_overrun(uart):
    uart[IER] = 4
    for byte in range(DEPTH + 1):
        uart.receive(byte)
    assert (uart.level, uart[IIR]) == (True, 0xC6)
    assert uart[LSR] & 2
    assert (uart.level, uart[LSR] & 2) == (False, 0)


def test_room_interrupts(uart):
    uart.room = 0
    uart[DATA] = 1
    uart[IER] = 2
    assert not uart.level
    uart.room = 1
    uart.retry()
    assert (uart.level, uart[IIR]) == (True, 0xC2)
    uart[IER] = 0
    assert (uart.level, uart[IIR]) == (False, 0xC1)


def test_loopback(uart):
    uart[MCR] = 0x10
    uart[DATA] = 65
    assert (uart.out, uart[LSR] & 1, uart[DATA]) == (b"", 1, 65)


def test_it_is_the_console(board):
    board[UART + MDR1] = 0
    board[UART + IIR] = 1
    board[UART + IER] = 1
    for byte in b"hi\n":
        board[UART + DATA] = byte
    assert board.console.sent == b"hi\n"
    board.console.received += b"ok"
    board.all.poll()
    assert IRQ in board.lines
    assert bytes((board[UART + DATA], board[UART + DATA])) == b"ok"
    assert IRQ not in board.lines


def test_an_empty_fifo_interrupts_by_ier2(uart):
    """UART v0 of the MCU+ SDK and the PDK: a transfer is over when ISR2 says TXFIFO_EMPTY."""
    ier2, isr2 = 0x6C, 0x70
    assert (uart[isr2], uart.level) == (3, False)
    uart.room = 1
    uart[DATA], uart[DATA] = 65, 66
    uart[ier2] = 2
    assert (uart[isr2], uart.level) == (1, False)
    uart.room = 2
    uart.retry()
    assert (uart[isr2], uart.level, uart[IIR]) == (3, True, 0xC1)
    uart[ier2] = 0
    assert not uart.level
    uart.receive(67)
    assert uart[isr2] == 2
