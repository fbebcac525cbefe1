"""What reaches the bus by itself: nothing takes long or has no end, whatever it is told to move."""

import pytest

CSU, CSUDMA, QSPI, GDMA, GPIO, IPI = (
    0xFFCA_0000, 0xFFC8_0000, 0xFF0F_0000, 0xFD50_0000, 0xFF0A_0000, 0xFF31_0000,
)  # fmt: skip
DDR, LONG = 0x10_0000, 1 << 20
GEN_FIFO, RX, DATA, EXPONENT = QSPI + 0x140, 1 << 17, 1 << 8, 1 << 9


@pytest.fixture
def csudma(board):
    """From an address to another one, in loopback."""
    board[CSU + 8] = 5

    def start(source, target, size=64):
        board[CSUDMA + 0x800], board[CSUDMA + 0x804] = target, size
        board[CSUDMA], board[CSUDMA + 4] = source, size

    return start


@pytest.fixture
def qspi(board):
    """A read by DMA, of 2***exponent* bytes."""

    def start(target, exponent):
        board[QSPI + 0x100], board[QSPI + 0x114] = 2 << 30, 1
        board[QSPI + 0x800], board[QSPI + 0x804] = target, 1 << exponent
        board[GEN_FIFO] = RX | DATA | EXPONENT | exponent

    return start


@pytest.fixture
def gdma(board):
    """A simple transfer."""

    def start(source, target, size):
        for register, value in (
            (0x128, source), (0x130, size), (0x138, target), (0x140, size), (0x200, 1),
        ):  # fmt: skip
            board[GDMA + register] = value

    return start


@pytest.fixture
def accesses(board, monkeypatch):
    """Of registers, by masters too."""
    done, read, write = [], board.all.read, board.all.write
    monkeypatch.setattr(board.all, "read", lambda *a: (done.append(a), read(*a))[1])
    monkeypatch.setattr(board.all, "write", lambda *a: (done.append(a), write(*a))[1])
    return done


@pytest.fixture
def ddr(board):
    """2 MiB of it."""
    board.memory.banks[DDR] = bytearray(b"\x5a") * (2 * LONG)


@pytest.mark.parametrize("source", [CSUDMA, CSUDMA + 0x14, QSPI + 0x104, GDMA])
def test_registers_of_a_master_are_not_read_by_one(board, csudma, source):
    csudma(source, DDR)
    assert board[CSUDMA + 0x14] == 4  # AXI_RDERR
    assert board[CSUDMA + 4] == 0


@pytest.mark.parametrize("target", [CSUDMA + 4, CSUDMA + 0x804, GEN_FIFO, GDMA + 0x200])
def test_nor_are_they_written(board, csudma, qspi, target):
    csudma(DDR, target)
    assert board[CSUDMA + 0x814] & 4
    qspi(target & ~0xFFF, 6)
    assert board[QSPI + 0x814] & 4
    assert board[QSPI + 0x104] & 0x80  # the FIFO of entries is empty


@pytest.mark.parametrize(("source", "target"), [(DDR, GPIO), (GPIO, DDR), (GPIO, GPIO)])
@pytest.mark.parametrize("master", ["gdma", "csudma"])
def test_many_registers_leave_the_core_its_time(
    board, accesses, ddr, request, master, source, target
):
    request.getfixturevalue(master)(source, target, LONG)
    assert len(accesses) < 2500
    board.pass_us(1)
    assert len(accesses) < 5000


def test_many_descriptors_to_registers_leave_it_too(board, accesses, ddr):
    board.memory.put(DDR, (DDR + LONG).to_bytes(8, "little") + LONG.to_bytes(8, "little"))
    board.memory.put(DDR + 0x20, GPIO.to_bytes(8, "little") + LONG.to_bytes(8, "little"))
    board[GDMA + 0x110] = 0x40 | 0x80
    board[GDMA + 0x158], board[GDMA + 0x160] = DDR, DDR + 0x20
    board[GDMA + 0x200] = 1
    assert 1000 < len(accesses) < 2500


def test_descriptors_without_a_size_leave_it_too(board, ddr):
    board.memory.put(DDR, (DDR + LONG).to_bytes(8, "little") + (64).to_bytes(8, "little"))
    at = DDR + 0x20  # a ring of one
    board.memory.put(at, bytes(12) + (2).to_bytes(4, "little") + at.to_bytes(8, "little"))
    board[GDMA + 0x110] = 0x40 | 0x80
    board[GDMA + 0x158], board[GDMA + 0x160] = DDR, at
    board[GDMA + 0x200] = 1
    board.pass_us(1)
    assert board[GDMA + 0x11C] == 2  # busy, for ever
    board[GDMA + 0x200] = 0
    board.pass_us(1)
    assert board[GDMA + 0x11C] == 0
    assert board.all.deadline is None


def test_a_long_copy_of_the_csu_interrupts_at_its_end(board, csudma, ddr):
    board[CSUDMA + 0x818] = 2
    csudma(DDR, DDR + LONG, LONG)
    assert board.lines == set()
    board.pass_us(0)
    for _ in range(100):
        board.pass_us(1)
    assert board.lines == {118}
    assert board.memory.code(DDR + LONG, LONG) == b"\x5a" * LONG
    assert board.all.deadline is None


def test_a_long_read_of_the_flash_interrupts_at_its_end(board, qspi, ddr):
    board[QSPI + 0x818] = 2
    qspi(DDR, 20)
    assert board.lines == set()
    for _ in range(100):
        board.pass_us(1)
    assert board.lines == {47}
    assert board.memory.code(DDR, LONG + 1) == b"\xff" * LONG + b"\x5a"
    assert board.all.deadline is None
