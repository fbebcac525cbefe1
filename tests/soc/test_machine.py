import itertools

import pytest

from rprocfs.soc.machine import Machine, Region
from rprocfs.soc.rv32 import RV32
from rprocfs.soc.vsoc import MACHINES, VSOC1

BOTH = pytest.mark.parametrize("machine", [VSOC1, RV32], ids=lambda machine: machine.name)


@BOTH
def test_a_machine_goes_through_a_command_line(machine):
    words = machine.words()
    assert Machine.from_words(words).words() == words
    assert f"ram.da={machine.ram.da}" in words


@BOTH
def test_the_parts_of_the_ram_are_apart(machine):
    parts = [machine.fixed_carveouts, machine.fixed_vrings, machine.dynamic, machine.platform_page]
    assert all(machine.ram.holds(part.da, part.size) for part in parts)
    assert all(one.end <= two.da for one, two in itertools.pairwise(parts))
    assert parts[-1].end == machine.ram.end


@pytest.mark.parametrize(
    ("da", "size", "inside"),
    [(0x100, 0x10, True), (0x100, 0x11, False), (0xFF, 2, False), (0x110, 0, True)],
)
def test_a_region_holds(da, size, inside):
    assert Region("r", 0x100, 0x10).holds(da, size) is inside


def test_the_vector_table_is_at_the_first_segment():
    assert VSOC1.vector_table([0x21004000, 0x21000000]) == 0x21004000
    assert VSOC1.vector_table([]) == VSOC1.ram.da == VSOC1.loadable.da


def test_machines_are_found_by_name():
    assert MACHINES["vsoc/1"] is VSOC1
