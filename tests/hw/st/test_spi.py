"""RM0436 chapter 53, in the order of HAL_SPI_TransmitReceive() and of Zephyr's driver."""

import pytest

from rprocfs.hw.bus_device import I2cDevice, SpiDevice

SPI1, GPIOA = 0x44004000, 0x50002000
CR1, CR2, CFG1, CFG2, IER, SR, IFCR, TXDR, RXDR = 0, 4, 8, 12, 16, 20, 24, 32, 48
SPE, CSTART, MASTER, TX_ONLY, RX_ONLY = 1, 1 << 9, 1 << 22, 1 << 17, 2 << 17
RXP, TXP, DXP, EOT, TXTF, OVR, TXC = 1, 2, 4, 8, 16, 64, 1 << 12


class Shifter(SpiDevice):
    """Answers each byte with the one before it."""

    def __init__(self):
        super().__init__()
        self.last, self.log = 0x5A, []

    def select(self):
        self.log.append("select")

    def deselect(self):
        self.log.append("deselect")

    def transfer(self, byte):
        self.log.append(byte)
        self.last, answer = byte, self.last
        return answer


@pytest.fixture
def device(board):
    one = Shifter()
    board.all.connect("SPI1", one)
    return one


def start(board, count, bits=8, mode=0, config=0):
    board[SPI1 + CFG1] = bits - 1 | config
    board[SPI1 + CFG2] = MASTER | mode
    board[SPI1 + CR2] = count
    board[SPI1 + CR1] = SPE
    board[SPI1 + CR1] = SPE | CSTART


def put(board, value, size=1):
    board.all.write(SPI1 + TXDR, size, value)


def take(board, size=1):
    return board.all.read(SPI1 + RXDR, size)


def test_off(board):
    assert board[SPI1 + SR] == TXC | TXP


def test_bytes_each_way(board, device):
    start(board, 3)
    answers = []
    for byte in (1, 2, 3):
        assert board[SPI1 + SR] & (TXP | RXP | EOT) == TXP
        put(board, byte)
        assert board[SPI1 + SR] & RXP
        answers.append(take(board))
    assert answers == [0x5A, 1, 2]
    assert board[SPI1 + SR] == EOT | TXTF | TXC
    assert board[SPI1 + CR1] == SPE
    board[SPI1 + IFCR] = EOT | TXTF
    assert board[SPI1 + SR] & (EOT | TXTF) == 0
    board[SPI1 + CR1] = 0
    assert device.log == ["select", 1, 2, 3, "deselect"]


def test_the_most_significant_byte_goes_first(board, device):
    start(board, 1, bits=16)
    put(board, 0x1234, 2)
    assert (take(board, 2), device.log) == (0x5A12, ["select", 0x12, 0x34])


def test_several_bytes_in_one_access(board, device):
    start(board, 4, mode=TX_ONLY)
    put(board, 0x04030201, 4)
    assert (device.log[1:], board[SPI1 + SR] & (EOT | RXP)) == ([1, 2, 3, 4], EOT)


def test_what_waits_for_the_start(board, device):
    board[SPI1 + CFG2], board[SPI1 + CR2] = MASTER, 2
    board[SPI1 + CR1] = SPE
    put(board, 7)
    assert (device.log, board[SPI1 + CR2]) == (["select"], 2)
    board[SPI1 + CR1] = SPE | CSTART
    put(board, 8)
    assert (device.log, board[SPI1 + SR] & EOT) == (["select", 7, 8], EOT)


def test_only_so_many_are_wanted(board, device):
    start(board, 1)
    put(board, 1)
    assert board[SPI1 + SR] & TXP == 0


def test_without_an_end(board, device):
    """TSIZE = 0, as Zephyr has it: suspended in the end."""
    start(board, 0)
    for byte in range(40):
        assert board[SPI1 + SR] & TXP
        put(board, byte)
        take(board)
    assert board[SPI1 + SR] & (TXC | EOT) == TXC
    board[SPI1 + CR1] = SPE | CSTART | 1 << 10
    assert (board[SPI1 + CR1], board[SPI1 + SR] >> 11 & 1) == (SPE, 1)


def test_receiving_only(board, device):
    start(board, 20, mode=RX_ONLY)
    answers = [take(board) for _ in range(20)]
    assert (answers[:2], device.log[1:3], board[SPI1 + SR] & EOT) == ([0x5A, 0xFF], [0xFF] * 2, EOT)


def test_answers_that_nobody_takes(board, device):
    start(board, 20)
    for byte in range(20):
        put(board, byte)
    assert board[SPI1 + SR] & (OVR | EOT) == OVR | EOT
    assert len(device.log) == 21


def test_a_threshold(board, device):
    """FTHLV: two frames a packet; RXPLVL tells of what is less."""
    start(board, 3, config=1 << 5)
    put(board, 1)
    assert board[SPI1 + SR] & (RXP | 3 << 13) == 1 << 13
    put(board, 2)
    assert board[SPI1 + SR] & (RXP | 3 << 13) == RXP | 2 << 13


def test_interrupts(board, device):
    start(board, 1)
    board[SPI1 + IER] = TXP
    assert board.lines == {35}
    board[SPI1 + IER] = EOT | RXP
    assert board.lines == set()
    put(board, 1)
    assert board.lines == {35}
    take(board)
    board[SPI1 + IFCR] = EOT
    board[SPI1 + IER] = RXP
    assert board.lines == set()


def test_dma_both_ways(board, device):
    """More than the FIFOs hold: 37 receives, 38 sends."""
    board.ram[:100] = bytes(range(100))
    for number, (request, register, at, control) in enumerate(
        [(38, TXDR, 0x10000000, 1 << 6), (37, RXDR, 0x10000100, 0)]
    ):
        stream = 0x48000010 + 0x18 * number
        board[0x48002000 + 4 * number] = request
        board[stream + 4], board[stream + 8], board[stream + 12] = 100, SPI1 + register, at
        board[stream] = 1 | 1 << 10 | control
    start(board, 100, config=3 << 14)
    while board.all.deadline is not None:
        board.all.poll()
    assert board.ram[0x100:0x164] == bytes([0x5A, *range(99)])
    assert board[SPI1 + SR] & (EOT | OVR) == EOT


def test_a_pin_selects(board):
    first, second = Shifter(), Shifter()
    board.all.connect("SPI1/GPIOA/4", first)
    board.all.connect("SPI1/GPIOA/5", second)
    board[GPIOA] = 0xFFFFF5FF
    board[GPIOA + 0x18] = 1 << 4 | 1 << 5
    board[GPIOA + 0x18] = 1 << 21
    start(board, 0)
    put(board, 7)
    assert take(board) == 0x5A
    board[GPIOA + 0x18] = 1 << 5
    put(board, 8)
    assert take(board) == 0xFF
    assert second.log[-3:] == ["select", 7, "deselect"]
    assert 7 not in first.log


def test_nobody_leaves_ones(board):
    start(board, 1, bits=12)
    put(board, 0, 2)
    assert take(board, 2) == 0xFFF


@pytest.mark.parametrize(
    ("place", "kind"), [("SPI1/GPIOA/99", SpiDevice), ("SPI1", I2cDevice), ("SPI9", SpiDevice)]
)
def test_where_none_can_be_connected(board, place, kind):
    with pytest.raises(ValueError):
        board.all.connect(place, kind())


@pytest.mark.parametrize(
    ("at", "irq"),
    [(0x44004000, 35), (0x4000B000, 36), (0x4000C000, 51), (0x44005000, 84), (0x44009000, 85),
     (0x5C001000, 86)],
)  # fmt: skip
def test_all_of_them(board, at, irq):
    board[at + CFG2], board[at + IER] = MASTER, TXP
    board[at + CR1] = SPE
    assert board.lines == {irq}
