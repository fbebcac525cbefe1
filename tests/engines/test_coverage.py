"""What is executed is counted, exactly, whatever stops Unicorn in between."""

import ctypes
import itertools
import mmap
import struct
import threading

import pytest
import unicorn
from unicorn import arm64_const, x86_const

from rprocfs.arch.core import Boot
from rprocfs.engines.counters import HEAD, LONGEST, PAGE, SLOT, Counters, pages
from rprocfs.engines.memory import SharedRam
from rprocfs.engines.unicorn.coverage import COUNT, Cells
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.engines.unicorn.native import assemble
from rprocfs.soc.vsoc import VSOC1

RAM, AT, HANDLER = 0x2100_0000, 0x40, 0x80
NOWHERE = 0x3000_0000
#: Two instructions, 2**18 times; then a load from nowhere.
LOOP = [0x2001, 0x0480, 0x3801, 0xD1FD, 0x4900, 0xE001, 0x0000, 0x3000, 0x680A, 0x3001]
LOOPS = 1 << 18
UNDEFINED = 0xDE00


class Elsewhere(UnicornEngine):
    """On a machine without machine code."""

    def command(self, *arguments):
        command = super().command(*arguments)
        at = command.index("-c") + 1
        command[at] = command[at].replace(
            "main(sys.argv[1:])",
            "from rprocfs.engines.unicorn import native; native.SPEND = native.COUNT = {}; "
            "main(sys.argv[1:])",
        )
        return command


def executed(code, engine, vectors=()):
    """How often each halfword of *code* was executed until the core locked up."""
    table = [RAM + 0x1000, RAM + AT + 1, 0, RAM + HANDLER + 1, *vectors]
    image = struct.pack(f"<{len(table)}I", *table).ljust(AT, b"\0")
    image += struct.pack(f"<{len(code)}H", *code).ljust(HANDLER - AT, b"\0")
    image += struct.pack("<H", UNDEFINED)
    counters = Counters((bank.da, bank.size) for bank in VSOC1.banks)
    died = threading.Event()
    try:
        with SharedRam.of(VSOC1) as ram:
            ram.at(RAM, len(image))[:] = image
            engine.files["coverage"] = counters.fd
            worker = engine.spawn(
                VSOC1, ram, Boot("cortex-m3", RAM),
                on_message=lambda *_: None, on_exit=lambda _: died.set(),
            )  # fmt: skip
            try:
                assert died.wait(60)
            finally:
                worker.stop()
        differences = dict(counters.differences())
    finally:
        counters.close()
    counts = itertools.accumulate(differences.get(RAM + at, 0) for at in range(0, 0x100, 2))
    return list(counts)


@pytest.mark.parametrize("make", [UnicornEngine, Elsewhere])
def test_every_instruction_is_counted(make):
    counts = executed(LOOP, make())
    code = counts[AT // 2 :][: len(LOOP)]
    #        movs lsls subs   bne    ldr b  (data) ldr adds, which is behind the fault
    assert code == [1, 1, LOOPS, LOOPS, 1, 1, 0, 0, 1, 0]
    assert counts[HANDLER // 2 :] == [1, *[0] * (len(counts) - HANDLER // 2 - 1)]
    assert not any(counts[: AT // 2])


#: SysTick every 2000 cycles, while a loop runs; the handler is an instruction by itself.
TICK = [
    0x4807,  # ldr r0, [pc, #28]: SYST_CSR
    0x4908,  # ldr r1, [pc, #32]: 2000
    0x6041,  # str r1, [r0, #4]
    0x2107,  # movs r1, #7
    0x6001,  # str r1, [r0]
    0x2001, 0x0500,  # r0 = 2**20
    0x3801,  # subs r0, #1
    0xD1FD,  # bne
    UNDEFINED,
    0x3301, 0x4770,  # adds r3, #1; bx lr: the handler of SysTick, and of SVCall
    0xBF00, 0xBF00, 0xBF00, 0xBF00,
    0xE010, 0xE000, 2000, 0,
]  # fmt: skip


@pytest.mark.parametrize("make", [UnicornEngine, Elsewhere])
def test_interrupts_in_between_change_no_count(make):
    handler = RAM + AT + 2 * 10 + 1
    counts = executed(TICK, make(), [*[0] * 11, handler])[AT // 2 :]
    assert counts[:10] == [1, 1, 1, 1, 1, 1, 1, 1 << 20, 1 << 20, 1]
    assert counts[10] == counts[11] > 0


SVC = [
    0x2005,  # movs r0, #5
    0xDF00,  # svc
    0x3801,  # subs r0, #1
    0xD1FC,  # bne
    0x2801,  # cmp r0, #1
    0xBF08, 0x3101,  # it eq; addeq: in the same block, whatever comes of it
    UNDEFINED,
    0xBF00, 0xBF00,
    0x3301, 0x4770,
]  # fmt: skip


def test_exceptions_of_instructions():
    handler = RAM + AT + 2 * 10 + 1
    counts = executed(SVC, UnicornEngine(), [*[0] * 7, handler])[AT // 2 :]
    assert counts[:12] == [1, 5, 5, 5, 1, 1, 1, 1, 0, 0, 5, 5]


#: A worker may write what it wants.
@pytest.mark.parametrize("value", [-1, 1 << 62])
def test_nonsense_is_only_numbers(value):
    counters = Counters([(0x1000_0000, PAGE)])
    try:
        with mmap.mmap(counters.fd, 0) as memory:
            memory.seek(HEAD + SLOT + 8 * 5)
            memory.write(struct.pack("<q", value))
        assert list(counters.differences()) == [(0x1000_000A, value)]
    finally:
        counters.close()


def test_the_pages_of_regions():
    found = pages([(0x0FFF_0000, 0x20000), (0x1000_8000, 16), (0, 1 << 30)])
    assert found[:4] == [0xFF, 0x100, 0, 1]
    assert len(found) == 63


CODE, DATA, STACK, BACK, FUNCTION = 0x10000, 0x200000, 0x30000, 0x40000, 0x7654_3210_0000
COUNTERS = 0x400000


@pytest.mark.parametrize("machine", sorted(COUNT))
@pytest.mark.parametrize(("size", "left", "stops"), [(8, 92, False), (102, -2, True)])
def test_the_code_of_the_hook(machine, size, left, stops):
    """On an emulated processor of each kind."""
    x86 = machine == "x86_64"
    uc = unicorn.Uc(
        *(
            (unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
            if x86
            else (unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        )
    )
    for page, length in ((CODE, 1), (STACK, 1), (BACK, 1), (FUNCTION, 1), (DATA, 16)):
        uc.mem_map(page, length << 12)
    uc.mem_map(COUNTERS, SLOT)
    cells = Cells(left=100)
    address = 0x2100_1234
    cells.slots[address // PAGE] = COUNTERS
    uc.mem_write(DATA, bytes(cells))
    uc.mem_write(CODE, assemble(COUNT[machine], FUNCTION))
    values = [1, address, size, DATA]
    if x86:
        uc.mem_write(STACK + 0x800, struct.pack("<Q", BACK))
        uc.reg_write(x86_const.UC_X86_REG_RSP, STACK + 0x800)
        names, const = ("RDI", "RSI", "RDX", "RCX"), x86_const
    else:
        uc.reg_write(arm64_const.UC_ARM64_REG_LR, BACK)
        names, const = ("X0", "X1", "X2", "X3"), arm64_const
    for name, value in zip(names, values, strict=True):
        uc.reg_write(getattr(const, f"UC_{'X86' if x86 else 'ARM64'}_REG_{name}"), value)
    ended = []
    uc.hook_add(
        unicorn.UC_HOOK_BLOCK,
        lambda uc, at, *_: (ended.append(at), uc.emu_stop()) if at in (BACK, FUNCTION) else None,
    )
    uc.emu_start(CODE, 0, count=60)
    after = Cells.from_buffer_copy(uc.mem_read(DATA, ctypes.sizeof(Cells)))
    assert (after.left, ended[0] == FUNCTION) == (left, stops)
    assert (after.begin, after.end) == (address, address + size)
    words = memoryview(uc.mem_read(COUNTERS, SLOT)).cast("q")
    begin = 0x1234 // 2
    assert {index: word for index, word in enumerate(words) if word} == {
        begin: 1,
        begin + size // 2: -1,
    }
    assert size < LONGEST
