"""A SoC that several cores share: its memory, and the order of their resets."""

import pytest

from rprocfs.arch.core import Boot, CoreSpec
from rprocfs.drivers.worker.soc import Soc
from rprocfs.engines.engine import Capability, Engine
from rprocfs.soc.machine import Bank, Machine, Region

PAIR = Machine(
    name="pair",
    source=f"{__name__}:PAIR",
    cores=[CoreSpec("a"), CoreSpec("b")],
    banks=[Bank("low", 0x1000, 0x1000, 0x4000), Bank("high", 0x8000, 0x4000)],
    dynamic=Region("dynamic", 0xA000, 0x2000),
)


class Recording(Engine):
    """Says what it is asked for."""

    def command(self, machine, boot, fds):
        return []

    def spawn(self, machine, ram, boot, **callbacks):
        return (machine, ram, boot.core, boot.address)


@pytest.fixture
def soc():
    soc = Soc(PAIR)
    yield soc
    soc.close()


def test_memory_is_lost_when_no_core_has_power(soc):
    soc.power_on("a")
    soc.memory.at(0x8000, 4)[:] = b"kept"
    soc.power_on("b")
    soc.power_off("a")
    soc.power_on("a")
    assert soc.memory.at(0x8000, 4) == b"kept"
    for core in ("a", "b", "b"):
        soc.power_off(core)
    soc.power_on("b")
    assert soc.memory.at(0x8000, 4) == bytes(4)


def test_a_core_is_not_released_before_it_has_power(soc):
    soc.power_on("b")
    with pytest.raises(AssertionError, match="a is released before it can be loaded"):
        soc.release(Recording(), Boot("a", 0))
    assert soc.release(Recording(), Boot("b", 4)) == (PAIR, soc.memory, "b", 4)


def test_dynamic_memory_is_given_out_once(soc):
    one, two = soc.dma.alloc(0x1000), soc.dma.alloc(0x1000)
    assert (one.da, two.da) == (0xA000, 0xB000)
    one.va[0] = 7
    assert soc.memory.at(0xA000, 1)[0] == 7
    with pytest.raises(OSError):
        soc.dma.alloc(0x1000)


def test_memory_is_found_in_one_bank_only(soc):
    assert soc.memory.find(0x1FFF, 1) is not None
    assert soc.memory.find(0x1FFF, 2) is None
    assert soc.memory.size == 0x5000


def test_an_engine_that_cannot_halt_does_not_begin_halted(soc):
    assert Capability.HALTED not in Recording.capabilities
    with pytest.raises(OSError, match="cannot begin halted"):
        Engine.spawn(
            Recording(), PAIR, soc.memory, Boot("a", 0, halted=True), on_message=None, on_exit=None
        )
