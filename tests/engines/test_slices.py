"""The hooks of machine code, and slices that are counted where there are none."""

import ctypes
import struct

import pytest
import unicorn
from unicorn import arm64_const, x86_const

from rprocfs.engines.unicorn import native, slices
from rprocfs.engines.unicorn.native import ASK, SPEND, Native, assemble
from tests.engines.host import SELFTESTS, Host

CODE, DATA, STACK, BACK, FUNCTION = 0x10000, 0x20000, 0x30000, 0x40000, 0x7654_3210_0000
X86 = (unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
ARM64 = (unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)


def execute(machine, code, size, cell):
    """Call the hook; the int32 behind it, and whether it went on to the function."""
    uc = unicorn.Uc(*(X86 if machine == "x86_64" else ARM64))
    for page in (CODE, DATA, STACK, BACK, FUNCTION):
        uc.mem_map(page, 0x1000)
    uc.mem_write(CODE, code)
    uc.mem_write(DATA, struct.pack("<i", cell))
    if machine == "x86_64":
        uc.mem_write(STACK + 0x800, struct.pack("<Q", BACK))
        registers = {"RSP": STACK + 0x800, "RDI": 1, "RSI": 2, "RDX": size, "RCX": DATA}
        for name, value in registers.items():
            uc.reg_write(getattr(x86_const, f"UC_X86_REG_{name}"), value)
        pc = x86_const.UC_X86_REG_RIP
    else:
        for name, value in {"LR": BACK, "X0": 1, "X1": 2, "X2": size, "X3": DATA}.items():
            uc.reg_write(getattr(arm64_const, f"UC_ARM64_REG_{name}"), value)
        pc = arm64_const.UC_ARM64_REG_PC
    ended = []
    uc.hook_add(
        unicorn.UC_HOOK_BLOCK,
        lambda uc, address, *_: (
            (ended.append(address), uc.emu_stop()) if address in (BACK, FUNCTION) else None
        ),
    )
    uc.emu_start(CODE, 0, count=20)
    assert uc.reg_read(pc) == ended[0]
    return struct.unpack("<i", uc.mem_read(DATA, 4))[0], ended[0] == FUNCTION


@pytest.mark.parametrize("machine", sorted(SPEND))
@pytest.mark.parametrize(
    ("size", "cell", "left", "stops"),
    [(8, 100, 92, False), (8, 8, 0, False), (10, 8, -2, True), (2, -1, -3, True)],
)
def test_the_budget_runs_down(machine, size, cell, left, stops):
    assert execute(machine, assemble(SPEND[machine], FUNCTION), size, cell) == (left, stops)


@pytest.mark.parametrize("machine", sorted(ASK))
@pytest.mark.parametrize("cell", [0, 1, -1])
def test_only_what_is_not_zero_calls(machine, cell):
    assert execute(machine, assemble(ASK[machine], FUNCTION), 2, cell) == (cell, cell != 0)


def test_the_code_of_this_machine_is_called_and_cannot_be_written():
    called = []
    cell = ctypes.c_int32(10)
    function = native.CODE(lambda *arguments: called.append(arguments[1:3]))
    hook, data = Native().spend(cell, function)
    for _ in range(3):
        hook(None, 0x1234, 4, ctypes.cast(data, ctypes.c_void_p))
    assert (cell.value, called) == (-2, [(0x1234, 4)])
    address = ctypes.cast(hook, ctypes.c_void_p).value
    with open("/proc/self/maps") as maps:
        for line in maps:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            if begin <= address < end:
                assert line.split()[1] == "r-xp"


def test_another_machine_has_none():
    with pytest.raises(OSError, match="no machine code for riscv64"):
        Native("riscv64")


def test_slices_are_counted_where_there_is_none(monkeypatch):
    def none(_unicorn):
        raise OSError

    monkeypatch.setattr(slices, "Budget", none)
    assert type(slices.slices(None)) is slices.Counted


def test_counted_slices_pass_the_selftest(tmp_path):
    from rprocfs.engines.unicorn.engine import UnicornEngine

    class Elsewhere(UnicornEngine):
        """On a machine without machine code."""

        def command(self, *arguments):
            command = super().command(*arguments)
            at = command.index("-c") + 1
            command[at] = command[at].replace(
                "main(sys.argv[1:])",
                "from rprocfs.engines.unicorn import native; native.SPEND = {}; main(sys.argv[1:])",
            )
            return command

    with Host(SELFTESTS / "selftest-m4.elf", core="cortex-m4", engine=Elsewhere()) as host:
        host.wait(lambda: b"ok done\n" in host.worker.console or host.deaths)
        assert b"FAIL" not in host.worker.console
        assert host.deaths == []


class Blocks:
    """Stands for Unicorn: calls the hook on blocks, until it is stopped."""

    stopped = False

    def add_hook(self, _kind, hook, _begin, _end, data):
        self._hook, self._data = hook, ctypes.cast(data, ctypes.c_void_p)

    def stop(self):
        self.stopped = True

    def enter(self, size):
        """Whether the block is executed."""
        self._hook(None, 0x1000, size, self._data)
        return not self.stopped


@pytest.mark.parametrize("goes_on", [False, True])
def test_what_an_access_took_away_is_given_back_if_the_run_goes_on(goes_on):
    blocks = Blocks()
    budget = slices.Budget(blocks)
    budget.ended = lambda: goes_on
    budget.begin(10_000)
    assert blocks.enter(100)
    spent = budget.spent
    assert budget.end() is False
    assert blocks.enter(16) is goes_on
    assert budget.spent == spent + (16 // slices.BYTES if goes_on else 0)


def test_a_run_whose_budget_is_spent_ends_whatever_is_due():
    blocks = Blocks()
    budget = slices.Budget(blocks)
    budget.ended = lambda: True
    budget.begin(10_000)
    entered = 0
    while blocks.enter(4096):
        entered += 1
    assert entered == 10_000 * slices.BYTES // 4096
    assert budget.used_up
