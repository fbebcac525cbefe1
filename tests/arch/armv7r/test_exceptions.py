"""Exception entry and CP15, from the Armv7-R architecture reference manual (DDI 0406)."""

import pytest

from rprocfs.arch.armv7r import cp15
from rprocfs.arch.armv7r.core import (
    DATA_ABORT,
    FIQ,
    HIVEC,
    IRQ,
    PREFETCH_ABORT,
    SUPERVISOR,
    UNDEFINED,
    CortexR,
)
from rprocfs.arch.armv7r.cp15 import SCTLR, SystemControl
from rprocfs.arch.armv7r.exceptions import Dead, ExceptionModel
from rprocfs.arch.armv7r.faults import Faults
from rprocfs.arch.armv7r.mpu import DRACR, DRBAR, DRSR, RGNR, Regions

THUMB, NO_FIQ, NO_IRQ, NO_ABORT = 1 << 5, 1 << 6, 1 << 7, 1 << 8
SYS = 0x1F
REGION = DRBAR, DRSR, DRACR


class Cpu:
    pc, cpsr, entered = 0x1000, SYS, None

    def __init__(self):
        self.system, self.regions = {}, [[0, 0, 0] for _ in range(16)]

    def reset(self, cpsr, pc):
        self.cpsr, self.pc = cpsr, pc

    def enter(self, cpsr, spsr, lr, pc):
        self.cpsr, self.pc, self.entered = cpsr, pc, (spsr, lr)

    def read_system(self, key):
        if key in REGION:
            return self.regions[self.system.get(RGNR, 0)][REGION.index(key)]
        return self.system.get(key, 0)

    def write_system(self, key, value):
        self.system[key] = value


class Controller:
    irq = fiq = False


class Board:
    def __init__(self):
        self.cpu, self.controller, self.time, self.memory = Cpu(), Controller(), 0, True
        self.system = SystemControl(self.cpu, lambda: self.time, 500_000_000, 1)
        self.said = []
        self.model = ExceptionModel(
            self.cpu, self.system, self.controller, lambda _: self.memory,
            lambda *what: self.said.append(what),
        )  # fmt: skip
        self.faults = Faults(self.model, self.cpu, self.system, Regions(self.cpu))


@pytest.fixture
def board():
    return Board()


@pytest.mark.parametrize(
    ("vector", "mode", "masks", "arm", "thumb"),
    [  # table B1-7 of DDI 0406: what LR is, of the instruction, or of the next one
        (UNDEFINED, 0x1B, NO_IRQ, 4, 2),
        (SUPERVISOR, 0x13, NO_IRQ, 0, 0),
        (PREFETCH_ABORT, 0x17, NO_IRQ | NO_ABORT, 4, 4),
        (DATA_ABORT, 0x17, NO_IRQ | NO_ABORT, 8, 8),
        (IRQ, 0x12, NO_IRQ | NO_ABORT, 4, 4),
        (FIQ, 0x11, NO_IRQ | NO_ABORT | NO_FIQ, 4, 4),
    ],
)
def test_entry(board, vector, mode, masks, arm, thumb):
    for state, ahead in ((0, arm), (THUMB, thumb)):
        board.cpu.pc, board.cpu.cpsr = 0x1000, 0x6000_0000 | SYS | state
        board.model.enter(vector)
        assert board.cpu.pc == vector
        assert board.cpu.cpsr == 0x6000_0000 | mode | masks
        assert board.cpu.entered == (0x6000_0000 | SYS | state, 0x1000 + ahead)


def test_it_state_is_not_that_of_the_handler(board):
    board.cpu.cpsr = SYS | THUMB | 0x0600_FC00
    board.model.enter(DATA_ABORT)
    assert board.cpu.cpsr & (0x0600_FC00 | THUMB) == 0


def test_handlers_in_thumb_state_and_at_high_vectors(board):
    board.cpu.write_system(SCTLR, cp15.SCTLR_TE | cp15.SCTLR_V)
    board.model.enter(UNDEFINED)
    assert board.cpu.cpsr & THUMB
    assert board.cpu.pc == HIVEC + UNDEFINED


@pytest.mark.parametrize("high", [False, True])
def test_reset(board, high):
    board.model.reset(high)
    assert (board.cpu.pc, board.cpu.cpsr) == (HIVEC if high else 0, 0x1D3)
    assert bool(board.system.sctlr & cp15.SCTLR_V) == high
    board.memory = False
    with pytest.raises(Dead, match="reset vector"):
        board.model.reset(high)


def test_masked_interrupts_wait(board):
    board.controller.irq = True
    board.cpu.cpsr = SYS | NO_IRQ
    assert board.model.pending
    assert not board.model.take_pending()
    board.cpu.cpsr = SYS
    assert board.model.due()
    assert board.model.take_pending()
    assert board.cpu.pc == IRQ
    assert not board.model.due()
    board.controller.fiq = True
    assert board.model.take_pending()
    assert board.cpu.pc == FIQ


def test_the_status_of_faults(board):
    system = board.cpu.system
    board.faults.no_memory(0xF800_0000, True)
    assert (system[cp15.DFSR], system[cp15.DFAR]) == (0x808, 0xF800_0000)
    board.faults.refused(0x20, False)
    assert (system[cp15.DFSR], system[cp15.DFAR]) == (0x0, 0x20)  # no region at all
    board.cpu.regions[3] = [0x0, 7 << 1 | 1, 0]  # 256 bytes
    board.faults.refused(0x20, False)
    assert system[cp15.DFSR] == 0xD
    board.cpu.regions[3][1] |= 1 << 9  # not the second 32 bytes of them
    board.faults.refused(0x20, False)
    assert system[cp15.DFSR] == 0x0
    board.cpu.pc = 0xF800_0000
    board.faults.fetch(refused=False)
    assert (system[cp15.IFSR], system[cp15.IFAR]) == (8, 0xF800_0000)
    board.cpu.pc = 0xF800_0000
    board.faults.fetch(refused=True)
    assert system[cp15.IFSR] == 0xD
    board.cpu.pc = 0x4000
    board.faults.breakpoint()
    assert system[cp15.IFSR] == 2


def test_what_can_be_stored_to(board):
    """The highest region decides; without one the background region does, if there is one."""
    regions = Regions(board.cpu)
    assert not regions.stores(0x20, True)
    board.cpu.system[SCTLR] = cp15.SCTLR_BR
    assert [regions.stores(0x20, privileged) for privileged in (True, False)] == [True, False]
    for attributes, expected in ((0, []), (1, [True]), (2, [True]), (3, [True, False]), (5, []),
                                 (6, []), (7, [])):  # fmt: skip
        board.cpu.regions[3] = [0x0, 7 << 1 | 1, attributes << 8]
        found = [privileged for privileged in (True, False) if regions.stores(0x20, privileged)]
        assert found == expected
    board.cpu.regions[4] = [0x20, 4 << 1 | 1, 3 << 8]
    assert regions.stores(0x20, False)
    assert not regions.stores(0x40, False)


def test_a_vector_without_memory_is_the_end(board):
    board.memory = False
    with pytest.raises(Dead) as death:
        board.faults.no_memory(0x20, False)
    assert death.value.args == ("data abort: read of 0x20, and no memory at its vector", 0x10)


def test_a_fault_in_the_fetch_of_its_handler_is_the_end(board):
    board.cpu.pc = PREFETCH_ABORT
    with pytest.raises(Dead, match="at its vector"):
        board.faults.fetch(refused=False)


def test_a_fault_is_remembered_until_an_interrupt(board):
    board.faults.undefined()
    assert board.model.faulted == (UNDEFINED, "undefined instruction at 0x1000")
    board.model.enter(IRQ)
    assert board.model.faulted is None


def test_the_cycle_counter(board):
    system = board.system
    assert system.read(cp15.PMCR) == 0x4115_1800
    assert system.read(cp15.PMCCNTR) == 0
    system.write(cp15.CNTENSET, 1 << 31)
    system.write(cp15.PMCR, 5)
    board.time += 1_000_000
    assert system.read(cp15.PMCCNTR) == 500_000
    system.write(cp15.PMCR, 9)  # by 64
    board.time += 1_000_000
    assert system.read(cp15.PMCCNTR) == 500_000 + 500_000 // 64
    system.write(cp15.CNTENCLR, 1 << 31)
    stopped = system.read(cp15.PMCCNTR)
    board.time += 1_000_000
    assert system.read(cp15.PMCCNTR) == stopped
    system.write(cp15.PMCCNTR, 7)
    assert system.read(cp15.PMCCNTR) == 7


def test_identification(board):
    system = board.system
    assert system.read(cp15.MPIDR) & 0xFF == 1
    assert system.read((0, 0, 0, 1)) == 0x8003_C003
    assert system.read((1, 0, 0, 1)) == 0x0920_0003
    system.write((0, 0, 0, 1), 0)
    assert system.read((0, 0, 0, 1)) == 0x8003_C003
    system.write((0, 1, 0, 1), 0x0E00_0000)  # ACTLR
    assert system.read((0, 1, 0, 1)) == 0x0E00_0000
    assert not system.knows((0, 14, 0, 0))


def test_where_a_core_begins():
    core = CortexR("r5f0", irqs=192, cpu_hz=1, controller=None, high=0xFFFC_0000)
    assert core.reset_address(0x3ED0_0000, [0]) == 0
    assert core.reset_address(0xFFFF_0000, [0]) == HIVEC
    assert core.crash_type(DATA_ABORT) == "mmufault"
    assert core.crash_type(UNDEFINED) == "fatal error"
