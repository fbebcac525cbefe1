"""Every way in which the echo of an evaluation kit dies, and what is left of it."""

import io

from elftools.elf.elffile import ELFFile

from rprocfs.testing.driver_table import R0, RPMSG
from rprocfs.testing.userspace import write

#: What the firmware does: why it died, and of which type.
CRASHES = {
    "u": ("lockup: undefined instruction", "fatal error"),
    "r": ("lockup: undefined instruction", "mmufault"),
    "w": ("lockup: undefined instruction", "mmufault"),
    "j": ("lockup: undefined instruction", "mmufault"),
    "v": ("lockup: vector fetch", "fatal error"),
    "l": ("lockup: undefined instruction", "fatal error"),
    "s": ("reset", "fatal error"),
}


def die(bench, how):
    """Send the letter to the channel for that."""
    node = next(name for name in bench.channels() if "rpmsg-crash" in name)
    handle = bench.shell.open(f"{RPMSG}/{node}/endpoint")
    write(handle, how.encode())
    handle.release()


def dies(bench, how, why, memories, trace):
    """It dies, recovers, and leaves a dump of *memories* with what it said at *trace*."""
    bench.shell.echo(f"{R0}/recovery", "enabled")
    bench.start()
    bench.shell.echo(f"{R0}/coredump", "enabled")
    die(bench, how)
    bench.wait(lambda: bench.log.count("is now up") == 2)
    bench.wait_channels()
    for line in why:
        assert line in bench.log
    core = ELFFile(io.BytesIO(bench.shell.cat_bytes(f"{R0}/devcoredump/data")))
    loads = {part["p_vaddr"]: part for part in core.iter_segments("PT_LOAD")}
    assert memories <= set(loads)
    assert b"echo: started" in loads[trace].data()
    notes = [note["n_type"] for part in core.iter_segments("PT_NOTE") for note in part.iter_notes()]
    assert "NT_PRSTATUS" in notes
