"""What cores are, whatever executes them."""

import pytest

from rprocfs.arch.armv7m.core import CortexM
from rprocfs.arch.core import FATAL_ERROR, MMUFAULT, CoreSpec
from rprocfs.arch.rv32.core import Rv32


def cortex(**more):
    return CortexM("m", "cortex-m4", irqs=1, priority_bits=3, cpu_hz=1, ref_hz=1, **more)


@pytest.mark.parametrize(
    ("core", "address"),
    [(CoreSpec("a"), 0x101), (Rv32("a"), 0x101), (cortex(), 0x200), (cortex(vectors=0), 0)],
)
def test_where_a_core_begins(core, address):
    assert core.reset_address(0x101, [0x200, 0x100]) == address


def test_a_core_is_its_part_unless_the_soc_calls_it_otherwise():
    assert (Rv32("hart").part, cortex().name, cortex().part) == ("hart", "m", "cortex-m4")


@pytest.mark.parametrize(
    ("cfsr", "kind"),
    [(0, FATAL_ERROR), (0x1, MMUFAULT), (0x8200, MMUFAULT), (0x20000, FATAL_ERROR)],
)
def test_how_a_death_is_classified(cfsr, kind):
    assert cortex().crash_type(cfsr) == kind


@pytest.mark.parametrize(("core", "count", "prstatus"), [(CortexM, 17, 18), (Rv32, 32, 32)])
def test_registers_in_the_order_of_a_debugger(core, count, prstatus):
    registers = core.registers
    assert (len(registers.names), registers.prstatus) == (count, prstatus)
    assert registers.names.index("pc") == (15 if core is CortexM else 0)
