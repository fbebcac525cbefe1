"""The driver test table for processors that execute firmware: that of all, and more.

:class:`~rprocfs.testing.driver_table.Images` need a *crash* image for it, with a channel
``rpmsg-crash`` that obeys ``hang`` (for ever, with interrupts off) and ``crash`` (say so,
then hang), and traces ``crash: COMMAND`` first.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping

from rprocfs.testing.driver_table import DEBUG, R0, RPMSG, TABLE, Bench
from rprocfs.testing.userspace import write

#: Seconds that a stop may take.
STOP_WITHIN = 0.1


def _obey(bench: Bench, command: str) -> None:
    """Boot the crash image and have it obey *command*."""
    shutil.copy(bench.images.crash, bench.directory / "crash.elf")
    bench.start("crash.elf")
    bench.shell.echo(f"{R0}/recovery", "disabled")
    bench.wait(lambda: _channel(bench))
    write(bench.open(f"{RPMSG}/{_channel(bench)}/endpoint"), command.encode())
    bench.wait(lambda: f"crash: {command}\n" in bench.shell.cat(f"{DEBUG}/trace0"))


def _channel(bench: Bench) -> str:
    return next((name for name in bench.shell.ls(RPMSG) if ".rpmsg-crash." in name), "")


def stops_though_it_hangs(bench: Bench) -> None:
    """Within a tenth of a second, once in three times on a busy machine; and boots again."""
    assert any(_stop_takes(bench) < STOP_WITHIN for _ in range(3))


def _stop_takes(bench: Bench) -> float:
    _obey(bench, "hang")
    before = time.monotonic()
    bench.stop()
    taken = time.monotonic() - before
    assert bench.state == "offline"
    bench.start()
    bench.stop()  # the next try is with the other image
    return taken


def says_that_it_crashed(bench: Bench) -> None:
    """A crash that the firmware reports itself."""
    _obey(bench, "crash")
    bench.wait(lambda: bench.state == "crashed")
    assert "type fatal error" in bench.log
    bench.shell.echo(f"{R0}/recovery", "recover")
    assert bench.state == "running"


#: name -> test.
FIRMWARE_TABLE: Mapping[str, Callable[[Bench], None]] = {
    **TABLE,
    stops_though_it_hangs.__name__: stops_though_it_hangs,
    says_that_it_crashed.__name__: says_that_it_crashed,
}
