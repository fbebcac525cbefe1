"""Instructions on both engines over random operands: see scripts/firmware/differential.S."""

import shutil
import struct
import subprocess

from rprocfs.engines.qemu.engine import QemuEngine
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.soc.vsoc import VSOC1
from tests.engines.an500 import AN500, An500Qemu
from tests.engines.host import SELFTESTS, Host

PARAMS, CASES, RESULTS = 0x8_0000, 0xA_0000, 0x20_0000  # from the first byte of memory
CASE, RESULT = 32, 80 * 4
DIV_0_TRP, UNALIGN_TRP, STKALIGN = 0x10, 8, 0x200
FPU, ALL_FAULTS = 0xF << 20, 0x7_0000
NAMES = (
    *(f"operand {name}" for name in (*(f"r{n}" for n in range(13)), "lr", "apsr", "offset")),
    *(f"r{n}" for n in range(13)), "lr", "apsr", "primask", "basepri", "faultmask", "control", "sp",
    "exception", "cfsr", "hfsr", "bfar or mmfar", "exc_return", "aligned", "pc", "xpsr",
    *(f"scratch+{4 * n}" for n in range(16)),
)  # fmt: skip

ENGINES = {"unicorn": UnicornEngine, "qemu": QemuEngine}


class Target:
    """A *core* of a *machine* that both *engines* have, with an *image*; *fpu* is gcc's name."""

    def __init__(self, machine, core, fpu, image, engines):
        self.machine, self.core, self.fpu, self.engines = machine, core, fpu, engines
        self.image = SELFTESTS / image
        self.ram = machine.ram.da


M4 = Target(VSOC1, "cortex-m4", "fpv4-sp-d16", "differential.elf", ENGINES)
M7 = Target(AN500, "cortex-m7", "fpv5-d16", "differential-m7.elf", ENGINES | {"qemu": An500Qemu})


def assemble(directory, cases, target=M4):
    """The code of *cases*, 32 bytes each, which begins at CASES."""
    assert shutil.which("arm-none-eabi-gcc"), (
        "no arm-none-eabi-gcc: apt-get install gcc-arm-none-eabi"
    )
    after = struct.unpack_from("<16I", target.image.read_bytes(), 0x100)[15] & ~1
    lines = [".syntax unified", ".thumb", ".text"]
    for index, case in enumerate(cases):
        lines += [f".org {index * CASE}", case.replace("; ", "\n"), "b.w after"]
    lines.append(f".org {len(cases) * CASE}")
    # A place in a section, since binutils 2.43 does not branch to an absolute address.
    lines += ['.section .after, "ax"', ".thumb_func", "after:", "bx lr"]
    source, linked, binary = (directory / name for name in ("cases.s", "cases.elf", "cases.bin"))
    source.write_text("\n".join(lines) + "\n")
    command = ["arm-none-eabi-gcc", f"-mcpu={target.core}", "-mthumb", f"-mfpu={target.fpu}"]
    places = f"-Wl,-Ttext={target.ram + CASES:#x},--section-start=.after={after:#x},-e0"
    command += ["-mfloat-abi=hard", "-nostdlib", places, "-x", "assembler"]
    subprocess.run([*command, source, "-o", linked], check=True)
    copy = ["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text"]
    subprocess.run([*copy, linked, binary], check=True)
    return binary.read_bytes()


def execute(
    engine, code, rounds, seed=1, ccr=STKALIGN, cpacr=FPU, shcsr=ALL_FAULTS, control=0,
    mpu_ctrl=0, regions=(), target=M4,
):  # fmt: skip
    """The results of *code* on *engine*: for each case the sum, then the words of NAMES.

    *regions* are pairs of RBAR and RASR."""
    count = len(code) // CASE
    words = [word for region in regions for word in region]
    parameters = [count, rounds, seed, ccr, cpacr, shcsr, control, mpu_ctrl, *words]

    def place(ram):
        ram.at(target.ram + CASES, len(code))[:] = code
        ram.at(target.ram + PARAMS, 4 * len(parameters))[:] = struct.pack(
            f"<{len(parameters)}I", *parameters
        )

    one = target.engines[engine]()
    with Host(target.image, target.core, one, place, target.machine) as host:
        host.wait(lambda: b"." in host.worker.console or host.deaths)
        assert host.deaths == [], host.deaths
        results = bytes(host.ram.at(target.ram + RESULTS, count * RESULT))
    return [
        struct.unpack_from(f"<{1 + len(NAMES)}I", results, index * RESULT) for index in range(count)
    ]


def difference(cases, ours, theirs):
    """What is not the same, as text for a person; "" if all of it is."""
    said = []
    for case, mine, other in zip(cases, ours, theirs, strict=True):
        if mine == other:
            continue
        last = [
            f"{name} {a:#x} against {b:#x}"
            for name, a, b in zip(NAMES, mine[1:], other[1:], strict=True)
            if a != b
        ]
        operands = " ".join(f"{n[8:]}={v:#x}" for n, v in zip(NAMES[:16], mine[1:17], strict=True))
        said.append(f"{case}\n    {'; '.join(last) or 'an earlier round'}\n    {operands}")
    return "\n".join(said)


def compare(directory, cases, rounds, target=M4, **options):
    """Execute *cases* on both engines; AssertionError says what differs, and with what."""
    code = assemble(directory, cases, target)
    options |= {"target": target}
    ours = execute("unicorn", code, rounds, **options)
    theirs = execute("qemu", code, rounds, **options)
    assert all(result[0] for result in theirs), "a case that leaves no trace"
    report = difference(cases, ours, theirs)
    if report and rounds > 1:  # the first round that differs says it with operands
        for shorter in range(1, rounds):
            first = difference(
                cases,
                execute("unicorn", code, shorter, **options),
                execute("qemu", code, shorter, **options),
            )
            if first:
                report = f"round {shorter}: {first}"
                break
    assert not report, report
