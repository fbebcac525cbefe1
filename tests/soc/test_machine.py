import itertools

import pytest

from rprocfs.soc.machine import Bank, Region, find_machine
from rprocfs.soc.vsoc import VSOC1
from rprocfs.soc.vsoc_rv32 import RV32

BOTH = pytest.mark.parametrize("machine", [VSOC1, RV32], ids=lambda machine: machine.name)


@BOTH
def test_a_machine_is_found_where_it_says_that_it_stands(machine):
    assert find_machine(machine.source) is machine


@BOTH
def test_the_parts_of_the_ram_are_apart(machine):
    parts = [machine.fixed_carveouts, machine.fixed_vrings, machine.pool, machine.platform_page]
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
    assert VSOC1.boot("cortex-m3", 1, [0x21004000, 0x21000000]).address == 0x21004000
    assert VSOC1.boot("cortex-m3", 1, []).address == VSOC1.ram.da


def test_a_hart_begins_at_its_entry_point():
    assert RV32.boot("rv32", 0x80000000, [0x80001000]).address == 0x80000000


def test_a_bank_knows_where_its_bytes_are_shared():
    bank = Bank("b", 0x1000, 0x100, 0x40)
    assert [bank.find(0x1000, 0x100), bank.find(0x10FF, 1), bank.find(0x1100, 0)] == [
        0x40, 0x13F, 0x140,
    ]  # fmt: skip
    assert {bank.find(0xFFF, 2), bank.find(0x10FF, 2), bank.find(0x1000, -1)} == {-1}
