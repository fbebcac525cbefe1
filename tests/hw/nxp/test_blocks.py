"""RDC, semaphores, watchdog, GPIO, I2C, LMEM, TMU, GPC, SRC: by IMX8MMRM's descriptions."""

import pytest

from rprocfs.hw.bus_device import I2cDevice, SpiDevice
from rprocfs.hw.nxp.lmem import Lmem
from rprocfs.soc.imx8m import IMX8MP
from tests.hw.nxp.conftest import Board

RDC, SEMA4, RDC_SEMA = 0x303D0000, 0x30AC0000, 0x303B0000
WDOG1, GPIO1, I2C1 = 0x30280000, 0x30200000, 0x30A20000


def byte(board, address):
    return board.all.read(address, 1)


def test_the_core_is_in_the_domain_that_it_is_assigned_to(every):
    assert every[RDC + 0x24] & 0xF == 0
    assert every[RDC + 0x400 + 4 * 10] & 0xFF == 0xFF  # what RDC_GetPeriphAccessPolicy() asks
    every[RDC + 0x204] = 1
    assert every[RDC + 0x24] & 0xF == 1
    every[RDC + 0x204] = 1 << 31 | 2
    every[RDC + 0x204] = 0
    assert every[RDC + 0x24] & 0xF == 2  # locked


def test_a_peripheral_that_is_closed_to_the_domain_refuses(every):
    """The SDK's example: GPIO1 is closed, and opened by the handler of the fault."""
    policy = RDC + 0x400
    every[RDC + 0x204] = 1
    assert every.refused == {}
    every[policy] = 0xFF & ~0xC
    assert every.refused == {GPIO1: (True, True)}
    every[policy] = 0xFF & ~0x4
    assert every.refused == {GPIO1: (False, True)}
    every[RDC + 0x204] = 0
    assert every.refused == {GPIO1: (False, False)}


def test_a_peripheral_may_want_its_semaphore(every):
    every[RDC + 0x204] = 1
    every[RDC + 0x400] = 1 << 30 | 0xFF
    assert every.refused == {GPIO1: (True, True)}
    every.all.write(RDC_SEMA, 1, 7)
    assert every.refused == {GPIO1: (False, False)}
    every.all.write(RDC_SEMA, 1, 0)
    assert every.refused == {GPIO1: (True, True)}
    every[RDC + 0x400 + 4 * 70] = 1 << 30 | 0xFF  # UART4: gate 6 of the second block
    assert every.refused[0x30A60000] == (True, True)
    every.all.write(0x303C0006, 1, 7)
    assert every.refused[0x30A60000] == (False, False)


def test_the_rdc_is_always_there(every):
    every[RDC + 0x204] = 1
    for number in range(112):
        every[RDC + 0x400 + 4 * number] = 0
    assert set(every.refused) == set(every.all.apart)
    assert not {RDC, RDC_SEMA, RDC_SEMA + 0x10000} & set(every.refused)
    assert not [page for page in every.refused if page & 0xFFF]


def test_a_region_of_memory_can_be_locked(every):
    at = RDC + 0x800 + 0x10 * 3
    every[at], every[at + 4] = 0x900000, 0x920000
    every[at + 8] = 1 << 31 | 1 << 30 | 0xF3
    every[at] = 0
    assert (every[at], every[at + 8]) == (0x900000, 1 << 31 | 1 << 30 | 0xF3)
    masters, peripherals, regions, _ = every.all.part.rdc
    assert every[RDC] == regions << 20 | peripherals << 12 | masters << 4 | 4


def test_a_semaphore_is_its_holders(board):
    board.all.write(SEMA4 + 3, 1, 2)
    assert byte(board, SEMA4 + 3) == 2
    board.all.write(SEMA4 + 3, 1, 1)  # not ours to write
    assert byte(board, SEMA4 + 3) == 2
    board.all.write(SEMA4 + 3, 1, 0)
    assert board[SEMA4] == 0
    board.all.write(SEMA4, 1, 1)  # we are processor 1, which writes 2
    assert board[SEMA4] == 0


def test_a_semaphore_is_reset_by_two_keys(board):
    board.all.write(SEMA4 + 5, 1, 2)
    board.all.write(SEMA4 + 0x100, 2, 0xE2)
    board.all.write(SEMA4 + 0x100, 2, 5 << 8 | 0x1D)
    assert byte(board, SEMA4 + 5) == 0


def test_rdc_semaphores_tell_holder_and_domain(board):
    board[RDC + 0x204] = 1
    board.all.write(RDC_SEMA + 7, 1, 6)
    assert byte(board, RDC_SEMA + 7) == 0x16
    board.all.write(RDC_SEMA + 7, 1, 3)
    assert byte(board, RDC_SEMA + 7) == 0x16
    board.all.write(RDC_SEMA + 7, 1, 0)
    assert byte(board, RDC_SEMA + 7) == 0


def test_a_watchdog_bites_unless_it_is_fed(board):
    board.all.write(WDOG1, 2, 1 << 8 | 0x34)  # WT 1: a second; SRS, WDA, WDE
    for _ in range(3):
        board.pass_us(900_000)
        board.all.write(WDOG1 + 2, 2, 0x5555)
        board.all.write(WDOG1 + 2, 2, 0xAAAA)
    assert board.deaths == []
    board.all.write(WDOG1, 2, 1 << 8 | 0x30)  # it cannot be turned off
    board.pass_us(1_100_000)
    assert board.deaths == [("watchdog", "watchdog")]


def test_a_watchdog_does_not_bite_one_that_could_not_execute(board):
    """delay(SystemCoreClock) between two refreshes, on a host that is busy otherwise."""
    board.all.write(WDOG1, 2, 1 << 8 | 0x34)
    board.time += 5_000_000_000
    board.all.poll()
    assert board.deaths == []
    board.busy += 1_100_000_000
    board.pass_us(0)
    assert board.deaths == []
    board.time = max(board.time, board.all.deadline)
    board.all.poll()
    assert board.deaths == [("watchdog", "watchdog")]


def test_a_watchdog_warns(board):
    board.all.write(WDOG1 + 6, 2, 1 << 15 | 1)  # half a second before
    board.all.write(WDOG1, 2, 1 << 8 | 0x34)
    board.pass_us(600_000)
    assert 78 in board.lines
    assert board.all.read(WDOG1 + 6, 2) & 1 << 14
    board.all.write(WDOG1 + 6, 2, 1 << 15 | 1 << 14 | 1)
    assert 78 not in board.lines


def test_srs_resets(board):
    assert board.all.read(WDOG1, 2) == 0x30
    board.all.write(WDOG1, 2, 0x20)
    assert board.deaths == [("reset through the watchdog", "watchdog")]


def test_pins_are_driven_from_inside_and_outside(board):
    dr, gdir, psr, icr1, imr, isr = (GPIO1 + at for at in (0, 4, 8, 12, 0x14, 0x18))
    board[gdir], board[dr] = 1, 3
    assert (board[dr], board[psr]) == (1, 1)
    pin = board.all.inputs["GPIO1/5"]
    board[icr1], board[imr] = 2 << 10, 1 << 5  # rising
    pin.drive(1)
    assert board[psr] == 1 | 1 << 5
    assert 64 in board.lines
    board[isr] = 1 << 5
    assert 64 not in board.lines
    pin.drive(0)
    assert not board[isr] & 1 << 5
    board[GPIO1 + 0x1C] = 1 << 5  # either edge
    pin.drive(1)
    assert board[isr] & 1 << 5


def test_the_first_pins_of_gpio1_interrupt_by_themselves(board):
    board[GPIO1 + 12], board[GPIO1 + 0x14] = 2 << 6, 1 << 3
    board.all.inputs["GPIO1/3"].drive(1)
    assert board.lines == {64, 60}


class Register(I2cDevice):
    """One that answers with what was written to it, counting up."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def start(self, reading):
        self.seen.append("read" if reading else "write")
        return True

    def write(self, byte):
        self.value = byte
        return byte != 0xEE

    def read(self):
        self.value += 1
        return self.value

    def stop(self):
        self.seen.append("stop")


def test_a_device_answers_on_i2c(board):
    """As I2C_MasterTransferBlocking(): writes a byte, reads two behind a repeated start."""
    cr, sr, dr = I2C1 + 8, I2C1 + 12, I2C1 + 16
    device = Register()
    board.all.connect("I2C1/0x48", device)
    board[cr] = 0x80
    board[cr] = 0xB0  # MSTA, MTX
    for byte in (0x90, 0x10):
        board[dr] = byte
        assert board[sr] & 0x83 == 0x82  # acknowledged
        board[sr] = 0
    board[cr] = 0xB4  # RSTA
    assert not board[cr] & 4
    board[dr] = 0x91
    assert not board[sr] & 1
    board[cr] = 0xA0
    board[dr]  # starts to receive
    assert board[dr] == 0x11
    board[cr] = 0x80
    assert board[dr] == 0x12
    assert device.seen == ["write", "read", "stop"]
    board[cr] = 0xB0
    board[dr] = 0x92
    assert board[sr] & 1
    board[cr] = 0x80
    board[cr] = 0xB0
    for byte in (0x90, 0xEE):
        board[dr] = byte
    assert board[sr] & 1


@pytest.mark.parametrize("address", ["0x00", "0x48", "0x80", "x"])
def test_where_no_device_can_be_on_i2c(board, address):
    board.all.connect("I2C1/0x48", Register())
    with pytest.raises(ValueError, match=r"address|literal"):
        board.all.connect(f"I2C1/{address}", Register())
    with pytest.raises(ValueError, match="no I2cDevice"):
        board.all.connect("I2C2/0x48", SpiDevice())


def test_no_device_answers_on_i2c(board):
    cr, sr, dr = I2C1 + 8, I2C1 + 12, I2C1 + 16
    board[cr] = 0x80
    board[cr] = 0xF0  # IIEN, MSTA, MTX
    assert board[sr] & 0x20  # IBB
    board[dr] = 0x90
    assert board[sr] & 0x83 == 0x83  # ICF, IIF, RXAK
    assert 35 in board.lines
    board[sr] = 0
    assert 35 not in board.lines
    board[cr] = 0x80
    assert not board[sr] & 0x20


def test_cache_maintenance_finishes():
    lmem = Lmem()
    for base in (0, 0x800):
        lmem.write(base, 4, 0x85000003)  # GO, INVW1, INVW0, ENCACHE
        assert lmem.read(base, 4) == 3
        lmem.write(base + 8, 4, 0x80000001)
        assert lmem.read(base + 8, 4) == 0x80000000


def test_power_requests_end(every):
    up = 0x303A0000 + (0xD8 if every.all.part.aips5 else 0xF8)
    every[up] |= 1 << 3
    assert every[up] == 0


def test_a_reset_by_the_src_ends_the_core(board):
    assert board[0x3039000C] & 8
    board[0x3039000C] |= 2
    assert board.deaths == [("reset through the SRC", "fatal error")]


def test_the_system_counter_counts_8_mhz(board):
    first = board[0x306A0008]
    board.pass_us(1000)
    assert board[0x306A0008] - first == 8000


def test_every_register_can_be_touched(every):
    """Whatever is written to the pages with models: no traceback, and reads are words."""
    for page in set(every.all.pages):
        for value in (0, 0xFFFFFFFF):
            for offset in range(0, 0x1000, 4):
                every[page + offset] = value
                assert 0 <= every[page + offset] <= 0xFFFFFFFF
        every.pass_us(1)


def test_what_has_no_model_keeps_what_is_written_and_is_named_once(every):
    every[0x30BE0000] = 5  # ENET1
    assert every[0x30BE0000] == 5
    assert every.debug == ["no model of what is at 0x30be0000"]


def test_everything_modelled_is_where_peripherals_are(every):
    ranges = every.all.ranges
    assert all(any(at <= page < at + size for at, size in ranges) for page in every.all.pages)


def test_nothing_is_asked_to_power_down_at_first(every):
    """PU_PWRHSK is active low: images of 8M Plus ask for one bit, and wait for another one."""
    (_, at, shift) = every.all.part.power
    base = 0x303A0000 + at
    assert every[base] == ((1 << shift) - 1) * (1 | 1 << shift) & 0xFFFFFFFF
    every[base] &= ~(1 << 4)
    assert not every[base] >> 4 + shift & 1
    every[base] |= 1 << 4
    assert every[base] >> 4 + shift & 1


def test_the_audio_of_the_plus_has_clocks_and_a_pll():
    """AUDIOMIX_InitAudioPll()."""
    plus, pll = Board(IMX8MP), 0x30E20400
    assert plus[0x30E20000] and plus[0x30E20004]
    assert not plus[pll] >> 31
    plus[pll] |= 1 << 9 | 1 << 13
    assert plus[pll] == 1 << 31 | 1 << 9 | 1 << 13
    plus[pll] &= ~(1 << 9)
    assert plus[pll] == 1 << 13
    assert plus.debug == []
