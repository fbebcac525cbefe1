import pytest

from rprocfs.arch.armv7m.nvic import BUSFAULT, MEMMANAGE, NMI, PENDSV, SYSTICK, USAGEFAULT
from rprocfs.arch.armv7m.scs import SCS, SystemControlSpace
from rprocfs.hw.clock import Clock
from rprocfs.soc.vsoc import VSOC1


class Space(SystemControlSpace):
    def __init__(self, core="cortex-m4"):
        self.resets = 0
        super().__init__(VSOC1.cores[core], 0x21000000, Clock(lambda: 0), self.reset)

    def reset(self):
        self.resets += 1

    def get(self, offset, size=4):
        return self.read(SCS + offset, size)

    def put(self, offset, value, size=4):
        self.write(SCS + offset, size, value)


@pytest.fixture
def scs():
    return Space()


def test_who_it_is():
    assert Space("cortex-m3").get(0xD00) == 0x412FC231
    assert Space("cortex-m4").get(0xD00) == 0x410FC241


def test_vtor(scs):
    assert scs.get(0xD08) == 0x21000000
    scs.put(0xD08, 0x210004FF)
    assert scs.get(0xD08) == 0x21000480 == scs.scb.vtor


def test_icsr_pends_and_unpends(scs):
    scs.put(0xD04, 1 << 31 | 1 << 28 | 1 << 26)
    assert scs.nvic.pending == {NMI, PENDSV, SYSTICK}
    assert scs.get(0xD04) == 1 << 31 | 1 << 28 | 1 << 26 | NMI << 12 | 1 << 11
    scs.put(0xD04, 1 << 27 | 1 << 25)
    assert scs.nvic.pending == {NMI}


def test_icsr_shows_what_is_active(scs):
    scs.nvic.set_priority(20, 0x40)
    scs.nvic.active = {15, 20}
    scs.nvic.pend(17)
    assert scs.get(0xD04) & 0x1FF == 15
    assert scs.get(0xD04) >> 11 & 1 == 0
    assert scs.get(0xD04) >> 22 & 1 == 1


def test_aircr_wants_its_key(scs):
    scs.put(0xD0C, 0x304)
    assert (scs.get(0xD0C), scs.resets) == (0xFA050000, 0)
    scs.put(0xD0C, 0x05FA0300)
    assert (scs.get(0xD0C), scs.nvic.prigroup, scs.resets) == (0xFA050300, 3, 0)
    scs.put(0xD0C, 0x05FA0304)
    assert scs.resets == 1


def test_system_priorities_are_bytes(scs):
    scs.put(0xD22, 0x12, size=1)
    assert scs.nvic.priorities[PENDSV] == 0x12
    assert (scs.get(0xD20), scs.get(0xD22, 1)) == (0x00120000, 0x12)


def test_shcsr_enables_faults(scs):
    scs.put(0xD24, 7 << 16)
    assert {MEMMANAGE, BUSFAULT, USAGEFAULT} <= scs.nvic.enabled
    scs.nvic.active.add(BUSFAULT)
    scs.nvic.pend(USAGEFAULT)
    assert scs.get(0xD24) == 7 << 16 | 1 << 12 | 1 << 1
    scs.put(0xD24, 0)
    assert not {MEMMANAGE, BUSFAULT, USAGEFAULT} & scs.nvic.enabled
    assert not scs.nvic.active | scs.nvic.pending


@pytest.mark.parametrize(("offset", "name"), [(0xD28, "cfsr"), (0xD2C, "hfsr"), (0xD30, "dfsr")])
def test_fault_status_is_cleared_by_ones(scs, offset, name):
    setattr(scs.scb, name, 0x00018200)
    scs.put(offset + 1, 0x80, size=1)
    assert scs.get(offset) == 0x00010200
    assert scs.get(offset + 2, 2) == 1
    scs.put(offset, 0xFFFFFFFF)
    assert scs.get(offset) == 0


def test_the_fpu_is_the_m4s(scs):
    scs.put(0xD88, 0xFFFFFFFF)
    assert (scs.get(0xD88), scs.scb.fpu_enabled, scs.get(0xF40)) == (0xF << 20, True, 0x10110021)
    assert scs.get(0xF34) == 0xC0000000
    m3 = Space("cortex-m3")
    m3.put(0xD88, 0xFFFFFFFF)
    m3.put(0xF34, 0xFFFFFFFF)
    assert (m3.get(0xD88), m3.scb.fpu_enabled, m3.get(0xF40), m3.get(0xF34)) == (0, False, 0, 0)


@pytest.mark.parametrize("address", [0xE0000000, 0xE0001020, 0xE000EDD0, 0xE000EFFC, 0xE00FFFFC])
def test_the_rest_of_the_private_bus_reads_zero(scs, address):
    scs.write(address, 4, 0xFFFFFFFF)
    assert scs.read(address, 4) == 0


def test_all_three_are_behind_one_page(scs):
    scs.put(0x014, 99)
    scs.put(0x100, 1)
    assert (scs.get(0x014), scs.get(0x100), scs.get(0x004)) == (99, 1, 0)


def test_lazy_stacking_is_over_once_a_handler_uses_the_fpu(scs):
    used = []
    scs.scb.floats = lambda: bool(used)
    scs.scb.fpccr |= 1
    assert scs.get(0xF34) == 0xC0000001
    used.append(1)
    assert scs.get(0xF34) == 0xC0000000
    used.clear()
    assert scs.get(0xF34) == 0xC0000000
