"""RM0436 chapter 51, as HAL_I2C_Master_Transmit() and HAL_I2C_IsDeviceReady() go through it."""

import pytest

from rprocfs.hw.bus_device import I2cDevice, SpiDevice

CR1, CR2, ISR, ICR = 0x00, 0x04, 0x18, 0x1C
PE, NACKIE, STOPIE, START, TXE, NACKF, STOPF = 1, 16, 32, 1 << 13, 1, 16, 32
BASES = {
    0x40012000: 31, 0x40013000: 33, 0x40014000: 72, 0x40015000: 107, 0x5C002000: 95,
    0x5C009000: 135,
}  # fmt: skip


@pytest.mark.parametrize("at", BASES)
def test_nobody_answers(board, at):
    board[at + CR1] = PE
    assert board[at + ISR] == TXE
    board[at + CR2] = 0x02010000 | 0x3C | START
    assert board[at + ISR] == TXE | NACKF | STOPF
    assert board[at + CR2] == 0x02010000 | 0x3C
    board[at + ICR] = NACKF
    assert board[at + ISR] == TXE | STOPF
    board[at + ICR] = STOPF
    assert board[at + ISR] == TXE


@pytest.mark.parametrize(("at", "irq"), BASES.items())
def test_which_is_an_interrupt(board, at, irq):
    board[at + CR1] = PE | NACKIE | STOPIE
    board[at + CR2] = START
    assert board.lines == {irq}
    board[at + ICR] = NACKF
    assert board.lines == {irq}
    board[at + ICR] = STOPF
    assert board.lines == set()


def test_turned_off_it_forgets(board):
    at = 0x40012000
    board[at + CR2] = START
    assert board[at + ISR] == TXE
    board[at + CR1] = PE | NACKIE
    board[at + CR2] = START
    board[at + CR1] = NACKIE
    assert (board[at + ISR], board.lines) == (TXE, set())


class Registers(I2cDevice):
    """A device of registers: the first byte that is written is an address, which counts up."""

    def __init__(self, refuses=()):
        super().__init__()
        self.bytes, self.at, self.first = bytearray(range(16)), 0, True
        self.log, self.refuses = [], refuses

    def start(self, reading):
        self.log.append("read" if reading else "write")
        self.first = not reading
        return True

    def write(self, byte):
        if self.first:
            self.at, self.first = byte, False
        else:
            self.bytes[self.at] = byte
            self.at += 1
        return byte not in self.refuses

    def read(self):
        self.at += 1
        return self.bytes[self.at - 1]

    def stop(self):
        self.log.append("stop")


I2C1, TXDR, RXDR, ADDRESS = 0x40012000, 0x28, 0x24, 0x48 << 1
TXIS, RXNE, TC, TCR, BUSY = 2, 4, 0x40, 0x80, 1 << 15
RD_WRN, STOP, RELOAD, AUTOEND = 1 << 10, 1 << 14, 1 << 24, 1 << 25


def connect(board, device):
    board.all.connect("I2C1/0x48", device)
    board[I2C1 + CR1] = PE
    return device


def transfer(board, count, flags):
    board[I2C1 + CR2] = ADDRESS | count << 16 | flags | START


def test_a_write(board):
    device = connect(board, Registers())
    transfer(board, 3, AUTOEND)
    for byte in (4, 0xAA, 0xBB):
        assert board[I2C1 + ISR] & (TXIS | BUSY) == TXIS | BUSY
        board[I2C1 + TXDR] = byte
    assert board[I2C1 + ISR] == TXE | STOPF
    assert (device.bytes[4:6], device.log) == (b"\xaa\xbb", ["write", "stop"])


def test_a_read_behind_a_repeated_start(board):
    device = connect(board, Registers())
    transfer(board, 1, 0)
    board[I2C1 + TXDR] = 6
    assert board[I2C1 + ISR] & (TXIS | TC | STOPF) == TC
    transfer(board, 2, RD_WRN | AUTOEND)
    read = []
    while board[I2C1 + ISR] & RXNE:
        read.append(board[I2C1 + RXDR])
    assert (read, board[I2C1 + ISR]) == ([6, 7], TXE | STOPF)
    assert device.log == ["write", "read", "stop"]


def test_a_stop_that_is_asked_for(board):
    device = connect(board, Registers())
    transfer(board, 1, 0)
    board[I2C1 + TXDR] = 6
    board[I2C1 + CR2] = ADDRESS | STOP
    assert (board[I2C1 + ISR], device.log) == (TXE | STOPF, ["write", "stop"])


def test_more_than_255_bytes(board):
    """RELOAD, and TCR until NBYTES says how many follow."""
    connect(board, Registers())
    transfer(board, 1, RELOAD)
    board[I2C1 + TXDR] = 0
    assert board[I2C1 + ISR] & (TXIS | TC | TCR | STOPF) == TCR
    board[I2C1 + CR2] = ADDRESS | 1 << 16 | AUTOEND
    assert board[I2C1 + ISR] & (TXIS | TCR) == TXIS
    board[I2C1 + TXDR] = 9
    assert board[I2C1 + ISR] & STOPF


def test_a_byte_that_is_refused_ends_it(board):
    device = connect(board, Registers(refuses={7}))
    transfer(board, 3, AUTOEND)
    board[I2C1 + TXDR] = 7
    assert board[I2C1 + ISR] == TXE | NACKF | STOPF
    board[I2C1 + TXDR] = 1
    assert (device.log, device.bytes[7]) == (["write", "stop"], 7)


def test_is_it_there(board):
    """HAL_I2C_IsDeviceReady(): no byte at all."""
    device = connect(board, Registers())
    transfer(board, 0, AUTOEND)
    assert board[I2C1 + ISR] == TXE | STOPF
    assert device.log == ["write", "stop"]


@pytest.mark.parametrize(("enable", "flags"), [(1 << 1, 0), (1 << 2, RD_WRN), (1 << 6, STOP << 20)])
def test_events_are_interrupts(board, enable, flags):
    connect(board, Registers())
    board[I2C1 + CR1] = PE | enable
    transfer(board, 0 if enable == 1 << 6 else 1, flags & RD_WRN)
    assert board.lines == {31}
    board[I2C1 + CR1] = PE
    assert board.lines == set()


@pytest.mark.parametrize(("number", "request_"), [(0, 33), (1, 34)])
def test_dma(board, number, request_):
    """I2C1: 33 receives, 34 sends."""
    device = connect(board, Registers())
    board.ram[:3] = b"\x05\x11\x22"
    stream, register = 0x48000010, (RXDR, TXDR)[number]
    board[0x48002000] = request_
    board[stream + 4], board[stream + 8], board[stream + 12] = 3, I2C1 + register, 0x10000000
    board[stream] = 1 | 1 << 10 | number << 6
    board[I2C1 + CR1] = PE | (1 << 15, 1 << 14)[number]
    transfer(board, 3, AUTOEND | (RD_WRN, 0)[number])
    assert board[I2C1 + ISR] == TXE | STOPF
    assert (board.ram[:3], device.bytes[5:7])[number] == (b"\0\1\2", b"\x11\x22")[number]


@pytest.mark.parametrize(
    ("place", "device"),
    [("I2C1/0x48", Registers), ("I2C1/0x80", Registers), ("I2C1", Registers),
     ("I2C1/0x49", SpiDevice), ("I2C9/0x48", Registers), ("RCC/1", Registers)],
)  # fmt: skip
def test_where_none_can_be_connected(board, place, device):
    connect(board, Registers())
    with pytest.raises(ValueError):
        board.all.connect(place, device())
