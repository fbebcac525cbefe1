"""Every way to crash, on everything that executes firmware: what is told, kept, and after it.

The log says why the processor died and of which type that is, the trace and the coredump have
what it said last, and recovery boots it again.
"""

import re
import shutil
from pathlib import Path

import pytest

from rprocfs.system import bundled_firmware
from rprocfs.testing.driver_table import DEBUG, R0, RPMSG, Bench, Images
from rprocfs.testing.userspace import write
from tests.drivers.test_native import NATIVE, build
from tests.engines.installed import NEEDS_QEMU, NEEDS_QEMU_RISCV

FATAL, MMU, WATCHDOG = "fatal error", "mmufault", "watchdog"
#: The worker lives on: no reason where the firmware says itself that it crashed.
SILENT = "no heartbeat for 1200 ms"
HANGS = {"crash": ("", FATAL), "hang": (SILENT, WATCHDOG)}
UNDEF, DERIVED = "undefined", "vectors"

#: Way -> (why, type).
CORTEX_M = {
    **dict.fromkeys(("undef", "thread", "lockup"), (UNDEF, FATAL)),
    **dict.fromkeys(("read", "write", "jump", "jump-xn"), (UNDEF, MMU)),
    "vectors": (DERIVED, FATAL),
    "reset": ("reset", FATAL),
    "fail": ("exit status 1", FATAL),
    "pass": ("clean exit", FATAL),
    **HANGS,
}
RV32 = {
    "undef": ("", FATAL),
    "jump": ("", FATAL),
    "fail": ("exit status 1", FATAL),
    "pass": ("clean exit", FATAL),
    "reset": ("reset", FATAL),
    "vectors": (SILENT, WATCHDOG),
    **HANGS,
}
PROGRAM = {
    "undef": ("killed by SIGILL", FATAL),
    "read": ("killed by SIGSEGV", MMU),
    "jump": ("killed by SIGSEGV", MMU),
    "bus": ("killed by SIGBUS", MMU),
    "divide": ("killed by SIGFPE", FATAL),
    "abort": ("killed by SIGABRT", FATAL),
    "fail": ("exit status 3", FATAL),
    "orphan": ("exit status 4", FATAL),
    "pass": ("clean exit", FATAL),
    **HANGS,
}
#: What an engine calls it.
SAYS = {
    "unicorn": {UNDEF: "lockup: undefined instruction at 0x2100", DERIVED: "lockup: vector fetch"},
    "qemu": {
        UNDEF: "lockup: can't escalate 3 to HardFault",
        DERIVED: "lockup: can't take terminal derived exception",
    },
}
CFSR = {"undef": "0x10000", "thread": "0x10000", "jump": "0x100", "jump-xn": "0x1"}
CFSR |= dict.fromkeys(("read", "write"), "0x8200")
#: What a handler adds.
TRACE = {
    "cortex-m": {
        way: f"fault: cfsr {cfsr}\nfault: hfsr 0x40000000\n" for way, cfsr in CFSR.items()
    },
    "rv32": {"undef": "fault: mcause 0x2\n", "jump": "fault: mcause 0x1\n"},
}
#: The registers of a program go with it, and those of a machine that ends itself.
NO_REGISTERS = {("native", way) for way in PROGRAM}
NO_REGISTERS |= {("qemu", "fail"), ("qemu", "pass"), ("unicorn", "pass")}
NEEDS_GCC = pytest.mark.skipif(not shutil.which("gcc"), reason="no compiler of this host")


def rows():
    for engine, mark in (("unicorn", ()), ("qemu", NEEDS_QEMU)):
        for core in ("cortex-m3", "cortex-m4"):
            for way, row in CORTEX_M.items():
                yield pytest.param(core, engine, way, *row, id=f"{core}-{engine}-{way}", marks=mark)
    for way, row in RV32.items():
        yield pytest.param("rv32", "qemu", way, *row, id=f"rv32-{way}", marks=NEEDS_QEMU_RISCV)
    for way, row in PROGRAM.items():
        yield pytest.param("native", "native", way, *row, id=f"native-{way}", marks=NEEDS_GCC)


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    def find(core):
        if core != "native":
            return f"{bundled_firmware()}/crash{'-rv32' if core == 'rv32' else ''}.elf"
        directory = tmp_path_factory.getbasetemp() / "crash-matrix"
        if not directory.exists():
            directory.mkdir()
            build(directory, "crash")
        return directory / "crash.elf"

    return find


@pytest.mark.parametrize(("core", "engine", "way", "why", "kind"), list(rows()))
def test_a_crash(core, engine, way, why, kind, image, tmp_path):
    properties = NATIVE if core == "native" else {"compatible": f"rprocfs,{core}", "engine": engine}
    images, family = Images(image(core), ("rpmsg-crash",), ""), re.sub("m[34]$", "m", core)
    with Bench(properties | {"watchdog-ms": 1200}, images, tmp_path) as bench:
        bench.start()
        bench.shell.echo(f"{R0}/recovery", "disabled")
        bench.shell.echo(f"{R0}/coredump", "enabled")
        write(bench.open(f"{RPMSG}/{bench.channels()[0]}/endpoint"), way.encode())
        bench.wait(lambda: bench.state == "crashed")

        log = bench.log + "\n"
        reason = SAYS.get(engine, {}).get(why, why)
        (told,) = re.findall(r"crash detected in \S+: type (.*)\n", log)
        assert told == kind
        if reason:
            assert log.index(f"{core}: {reason}") < log.index("crash detected"), log
        else:
            assert f"{core}: " not in log.split("is now up")[1], log
        ends = why not in ("", SILENT)
        worker = bench.system.remoteproc.rprocs[0].ops.worker
        assert Path(f"/proc/{worker.pid}").exists() != ends

        trace = bench.shell.cat(f"{DEBUG}/trace0")
        assert f"crash: {way}\n" in trace
        assert TRACE.get(family, {}).get(way, "") in trace
        at_bad_address = family == "cortex-m" and way in ("read", "write")
        assert ("fault: bfar 0x30000000\n" in trace) == at_bad_address

        bench.shell.echo(f"{R0}/recovery", "recover")
        assert bench.state == "running"
        bench.wait_channels()
        core_file = bench.shell.cat_bytes(f"{R0}/devcoredump/data")
        assert core_file[:5] == b"\x7fELF" + bytes([2 if core == "native" else 1])
        assert trace.encode() in core_file
        if core != "native":  # its code, which a program of the host has elsewhere
            assert Path(image(core)).read_bytes()[0x100:0x180] in core_file
        assert (b"CORE\0\0\0\0" in core_file) == ((engine, way) not in NO_REGISTERS)
