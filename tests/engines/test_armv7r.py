"""The Cortex-R5F in Unicorn: its selftest, and the instructions that are looked for."""

import subprocess
import threading
import time

import pytest

from rprocfs.engines.memory import SharedRam
from rprocfs.engines.unicorn.armv7r import instructions
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.soc.zynqmp import ZYNQMP_LOCKSTEP, ZYNQMP_SPLIT
from tests.engines.host import SAFETY, SELFTESTS, segments
from tests.engines.installed import NEEDS_QEMU

UNMASK_ARM = [
    "cpsie i", "cpsie aif", "cpsie i, #0x1f", "msr cpsr_c, r0", "msr cpsr_cxsf, r2",
    "msr cpsr_c, #0x1f",
    "subs pc, lr, #4", "movs pc, lr", "ldmfd sp!, {r0-r3, pc}^", "rfeia sp!", "rfedb r1",
]  # fmt: skip
OTHER_ARM = [
    "cpsid i", "cps #0x1f", "msr spsr_cxsf, r0", "msr cpsr_f, r0", "mrs r0, cpsr", "sub pc, lr, #4",
    "mov pc, lr", "cmp pc, r0", "pop {r0, pc}", "ldm sp, {r0, lr}^", "tst r15, r1",
    "ldrd r0, r1, [r2]", "muls r1, r2, r3", "srsdb sp!, #0x1f", "umlals r0, r1, r2, r3",
]  # fmt: skip
UNMASK_THUMB = [
    "cpsie i", "cpsie.w f", "msr cpsr_c, r1", "rfeia sp!", "rfedb r1", "subs pc, lr, #4",
]  # fmt: skip
OTHER_THUMB = ["cpsid i", "cpsid.w f", "msr spsr_c, r1", "msr cpsr_f, r1", "pop {r1, pc}", "nop.w"]


def encoded(directory, line, thumb):
    """(size, instruction) of *line*, as GNU as has it."""
    source, made, code = (directory / f"r5.{end}" for end in ("S", "o", "bin"))
    source.write_text(f".syntax unified\n{'.thumb' if thumb else '.arm'}\n{line}\n")
    gcc = [
        "arm-none-eabi-gcc",
        "-c",
        "-mcpu=cortex-r5",
        "-mfloat-abi=hard",
        "-mfpu=vfpv3-d16",
        source,
        "-o",
        made,
    ]
    subprocess.run(gcc, check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", made, code], check=True)
    _, size, word = next(instructions.decode(code.read_bytes(), thumb))
    return size, word


@pytest.mark.parametrize(
    ("thumb", "unmask", "other"),
    [(False, UNMASK_ARM, OTHER_ARM), (True, UNMASK_THUMB, OTHER_THUMB)],
    ids=["arm", "thumb"],
)
def test_what_may_unmask_an_interrupt(tmp_path, thumb, unmask, other):
    for line in (*unmask, *other):
        size, word = encoded(tmp_path, line, thumb)
        assert instructions.unmasks(word, size, thumb) is (line in unmask), line


UNPRIVILEGED_ARM = [
    "ldrt r0, [r1], #4", "strt r0, [r1], r2", "ldrbt r0, [r1]", "strbt r0, [r1], -r2, lsl #2",
    "strht r0, [r1], #2", "ldrsbt r0, [r1], r2", "ldrsht r0, [r1]", "ldrht r0, [r1]",
]  # fmt: skip
PRIVILEGED_ARM = [
    "ldr r0, [r1], #4", "str r0, [r1, #4]!", "strh r0, [r1, r2]!", "ldrd r0, r1, [r2], #8",
    "ldm r1!, {r0, r2}", "mul r1, r2, r3", "mla r1, r2, r3, r4", "swp r1, r2, [r3]", "bic r1, #3",
    "strex r0, r1, [r2]", "msr cpsr_c, r0", "bl .", "svc #0", "umull r1, r2, r3, r4", "uxtb r1, r2",
    "smulbb r1, r2, r3", "vldr d0, [r1]", "mcr p15, 0, r0, c1, c0, 0", "rfeia sp!",
]  # fmt: skip
UNPRIVILEGED_THUMB = [
    "ldrt r0, [r1, #4]", "strt r0, [r1]", "strbt r0, [r1, #1]", "ldrsht r0, [r1]", "strht r0, [r1]",
]  # fmt: skip
PRIVILEGED_THUMB = [
    "ldr r0, [r1, #4]", "str.w r0, [r1], #4", "str r0, [r1, #4]!", "ldrsb.w r0, [r1, r2]",
    "ldrd r0, r1, [r2]", "stm r0!, {r1}", "str.w r0, [r1, #-4]", "str.w r0, [r1, #0xe00]",
]  # fmt: skip


@pytest.mark.parametrize(
    ("thumb", "unprivileged", "other"),
    [(False, UNPRIVILEGED_ARM, PRIVILEGED_ARM), (True, UNPRIVILEGED_THUMB, PRIVILEGED_THUMB)],
    ids=["arm", "thumb"],
)
def test_what_accesses_memory_as_user_mode_does(tmp_path, thumb, unprivileged, other):
    for line in (*unprivileged, *other):
        size, word = encoded(tmp_path, line, thumb)
        assert instructions.unprivileged(word, size, thumb) is (line in unprivileged), line


@pytest.mark.parametrize("thumb", [False, True])
def test_what_waits_and_what_spins(tmp_path, thumb):
    size, word = encoded(tmp_path, "wfi", thumb)
    assert instructions.waits(word, size, thumb)
    size, word = encoded(tmp_path, "mcr p15, 0, r0, c7, c0, 4", thumb)
    assert instructions.waits(word, size, thumb)
    size, word = encoded(tmp_path, "b .", thumb)
    assert instructions.spins(word, size, thumb)
    size, word = encoded(tmp_path, "wfe", thumb)
    assert not instructions.waits(word, size, thumb)
    assert instructions.waits_for_event(word, size, thumb)


@pytest.mark.parametrize("thumb", [False, True])
def test_accesses_of_cp15(tmp_path, thumb):
    _, word = encoded(tmp_path, "mrc p15, 1, r4, c0, c0, 7", thumb)
    assert instructions.system_access(word, thumb) == ((1, 0, 0, 7), True, 4)
    _, word = encoded(tmp_path, "mcr p15, 0, r12, c9, c13, 2", thumb)
    assert instructions.system_access(word, thumb) == ((0, 9, 13, 2), False, 12)
    _, word = encoded(tmp_path, "mrc p14, 0, r0, c0, c0, 0", thumb)
    assert instructions.system_access(word, thumb) is None


@pytest.mark.parametrize("thumb", [False, True])
def test_what_divides(tmp_path, thumb):
    for line, divisor in (
        ("udiv r1, r2, r3", 3), ("sdiv r12, lr, r0", 0), ("sdiv r0, r1, lr", 14),
        ("mul r1, r2, r3", -1), ("smull r1, r2, r3, r4", -1), ("umull r1, r2, r3, r4", -1),
        ("smmul r1, r2, r3", -1), ("smlad r1, r2, r3, r4", -1), ("bx lr", -1),
    ):  # fmt: skip
        size, word = encoded(tmp_path, line, thumb)
        assert instructions.divides(word, size, thumb) == divisor, line


def test_it_blocks():
    assert instructions.is_it(0xBF08)
    assert not instructions.is_it(0xBF00)
    assert [instructions.it_length(word) for word in (0xBF08, 0xBF04, 0xBF02, 0xBF01)] == [
        1,
        2,
        3,
        4,
    ]


class Host:
    """Core 0 of *machine* with the image *name*, until it has said a line that ends in *end*."""

    def __init__(self, machine, name, end):
        self.said, self.deaths, self.done = bytearray(), [], threading.Event()
        self._end, self.ram = end, SharedRam.of(machine)
        image = (SELFTESTS / name).read_bytes()
        for da, data in segments(image):
            places = (bank.find(da, len(data)) for bank in machine.seen_by("r5f0"))
            at = next(place for place in places if place >= 0)
            self.ram.view[at : at + len(data)] = data
        entry = int.from_bytes(image[24:28], "little")
        self.worker = UnicornEngine().spawn(
            machine, self.ram, machine.boot("r5f0", entry, ()), on_message=lambda *_: None,
            on_exit=self._died, on_console=self._heard,
        )  # fmt: skip

    def _died(self, death):
        self.deaths.append(death)
        self.done.set()

    def _heard(self, data):
        self.said += data
        if self._end in self.said:
            self.done.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.worker.stop()
        self.ram.close()


@pytest.mark.parametrize("machine", [ZYNQMP_SPLIT, ZYNQMP_LOCKSTEP], ids=["split", "lockstep"])
def test_selftest(machine):
    """Exceptions, nested interrupts, FPU context, ticks, CP15: see selftest.c."""
    with Host(machine, "zynqmp-selftest.elf", b"ed\r\n") as host:
        assert host.done.wait(SAFETY)
        host.done.clear()
        if b"selftest: " not in host.said:
            host.done.wait(SAFETY)
        assert host.deaths == []
        assert bytes(host.said) == b"selftest: passed\r\n"


#: Where the image leaves its lines, and how long they may be.
LINES, LENGTH = 0x3ED4_0000, 0x8000


def test_interrupts_leave_no_trace():
    """In ARM and Thumb code, in IT blocks, in each mode, behind all that masks: interrupts.S."""
    with Host(ZYNQMP_SPLIT, "zynqmp-interrupts.elf", b"") as host:
        wait(lambda: b"." in ended(host.ram.at(LINES, LENGTH)) or host.deaths)
        assert host.deaths == []
        words = ended(host.ram.at(LINES, LENGTH)).decode().split()[:8]
    differ, missed, wrong, _, asked, urgent, nested, ticks = (int(word, 16) for word in words)
    assert (differ, missed, wrong) == (0, 0, 0), words
    assert asked > 500
    assert urgent == nested > 100
    assert ticks >= 10_000


#: A WFI whose condition does not hold, in a loop; then a dot.
AWAKE = f"""
    .syntax unified
    .section .vectors, "ax"
    .global boot
boot: ldr r1, =1000000
    cmp r1, #0
1:  wfieq
    subs r1, r1, #1
    bne 1b
    ldr r0, ={LINES:#x}
    mov r1, #'.'
    str r1, [r0]
2:  b 2b
"""


#: Executes code, has a DMA copy other code there, and executes that; then its result.
COPIED = f"""
    .syntax unified
    .section .vectors, "ax"
    .global boot
boot: bl code
    ldr r1, =0xffa80000 @ which reaches a TCM by its global address only
    ldr r2, =other + 0xffe00000
    str r2, [r1, #0x128]
    ldr r2, =code + 0xffe00000
    str r2, [r1, #0x138]
    ldr r2, =code
    mov r3, #8
    str r3, [r1, #0x130]
    mov r3, #1
    str r3, [r1, #0x200]
    mcr p15, 0, r2, c7, c5, LINE
    dsb
    isb
    bl code
    ldr r2, ={LINES:#x}
    str r0, [r2]
1:  b 1b
    .ltorg
    .balign 64
code: mov r0, #'1'
    bx lr
other: mov r0, #'.'
    bx lr
"""


def run(directory, text):
    """Assemble *text*, and execute it until it leaves a dot."""
    source, image = directory / "r5.S", directory / "r5.elf"
    source.write_text(text)
    gcc = ["arm-none-eabi-gcc", "-nostdlib", "-mcpu=cortex-r5", "-marm", "-Wl,-e,boot"]
    gcc += ["-Wl,--section-start=.vectors=0", "-Wl,-z,max-page-size=256"]
    subprocess.run([*gcc, "-o", image, source], check=True)
    with Host(ZYNQMP_SPLIT, image, b"") as host:
        wait(lambda: ended(host.ram.at(LINES, LENGTH)) or host.deaths)
        assert (host.deaths, ended(host.ram.at(LINES, LENGTH))) == ([], b".")


def test_a_wait_on_a_condition_that_does_not_hold(tmp_path):
    run(tmp_path, AWAKE)


@pytest.mark.parametrize("line", [0, 1], ids=["ICIALLU", "ICIMVAU"])
def test_code_that_a_dma_has_written(tmp_path, line):
    run(tmp_path, COPIED.replace("LINE", str(line)))


@NEEDS_QEMU
def test_exceptions_are_those_of_qemu(tmp_path):
    """Every exception, return, mode and fault over random operands: see differential.S."""
    with Host(ZYNQMP_SPLIT, "zynqmp-differential.elf", b"") as host:
        wait(lambda: b"." in ended(host.ram.at(LINES, LENGTH)) or host.deaths)
        assert host.deaths == []
        ours = ended(host.ram.at(LINES, LENGTH))
    assert ours.count(b"\n") > 40
    assert ours.decode().splitlines() == by_qemu(tmp_path / "lines").decode().splitlines()


def ended(memory):
    """The text in *memory*."""
    return bytes(memory).rstrip(b"\0")


def wait(condition):
    """Until *condition* holds."""
    end = time.monotonic() + 3 * SAFETY
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def by_qemu(path):
    """The lines that a bare core of QEMU's leaves."""
    image = SELFTESTS / "zynqmp-differential.elf"
    command = [
        "qemu-system-arm",
        "-M",
        "none",
        "-cpu",
        "cortex-r5f",
        "-m",
        "2G",
        "-display",
        "none",
    ]
    command += ["-monitor", "stdio", "-device", f"loader,file={image},cpu-num=0"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as qemu:

        def save():
            path.unlink(missing_ok=True)
            qemu.stdin.write(f'pmemsave {LINES:#x} {LENGTH:#x} "{path}"\n'.encode())
            qemu.stdin.flush()
            wait(lambda: path.exists() and path.stat().st_size == LENGTH)
            return ended(path.read_bytes())

        try:
            wait(lambda: b"." in save())
            return save()
        finally:
            qemu.kill()
