import itertools

import pytest

from rprocfs.soc.machine import Machine, Region
from rprocfs.soc.vsoc import MACHINES, VSOC1


def test_a_machine_goes_through_a_command_line():
    words = VSOC1.words()
    assert Machine.from_words(words).words() == words
    assert "ram.da=553648128" in words


def test_the_parts_of_the_ram_are_apart():
    parts = [VSOC1.fixed_carveouts, VSOC1.fixed_vrings, VSOC1.dynamic, VSOC1.platform_page]
    assert all(VSOC1.ram.holds(part.da, part.size) for part in parts)
    assert all(one.end <= two.da for one, two in itertools.pairwise(parts))
    assert parts[-1].end == VSOC1.ram.end


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
