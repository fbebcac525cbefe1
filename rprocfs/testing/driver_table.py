"""The driver test table: what every platform driver has to do, whatever runs behind it.

Each function of :data:`TABLE` takes a :class:`Bench`, a system with one processor of
the driver, and raises AssertionError where it fails. A driver's tests run them all::

    @pytest.mark.parametrize("name", TABLE)
    def test_driver(name, tmp_path):
        with Bench({"compatible": "acme,dsp"}, images, tmp_path) as bench:
            TABLE[name](bench)
"""

from __future__ import annotations

import errno
import gc
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rprocfs.testing.bench import DEBUG, R0, RPMSG, Bench, Images
from rprocfs.testing.images import IMAGES
from rprocfs.testing.userspace import read, write

__all__ = ["DEBUG", "R0", "RPMSG", "TABLE", "Bench", "Images"]


def _errno_of(call: Callable[[], object]) -> int:
    try:
        call()
    except OSError as failure:
        return failure.errno or 0
    return 0


def _in_use() -> tuple[int, int]:
    """Open descriptors and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()


def boots_and_stops(bench: Bench) -> None:
    """Up and down again, with the kernel's words."""
    bench.start()
    assert bench.state == "running"
    bench.stop()
    assert bench.state == "offline"
    assert bench.shell.ls(RPMSG) == []
    for line in ("powering up", "Booting fw image echo.elf", "is now up", "stopped remote"):
        assert line in bench.log, bench.log


def echoes(bench: Bench) -> None:
    """A message comes back as it was, whatever its size."""
    bench.start()
    handle = bench.open("/dev/rpmsg0")
    for size in (1, 2, 15, 16, 17, 255, 495, 496):
        message = bytes(i * 7 + size & 0xFF for i in range(size))
        assert write(handle, message) == size
        assert read(handle) == message
    assert _errno_of(lambda: handle.write(bytes(497), 0)) == errno.EMSGSIZE


def echoes_many_in_order(bench: Bench) -> None:
    """More messages than the rings have buffers: none lost, none twice, none overtaken."""
    bench.start()
    handle, count = bench.open("/dev/rpmsg0"), 400
    received: list[bytes] = []

    def receive() -> None:
        received.extend(read(handle) for _ in range(count))

    reader = threading.Thread(target=receive)
    reader.start()
    for number in range(count):
        write(handle, b"message %d" % number)
    reader.join(60)
    assert received == [b"message %d" % number for number in range(count)]


def every_channel_has_an_endpoint_file(bench: Bench) -> None:
    """All channels answer, each on its own."""
    bench.start()
    handles = {name: bench.open(f"{RPMSG}/{name}/endpoint") for name in bench.channels()}
    for name, handle in handles.items():
        write(handle, name.encode())
    for name, handle in handles.items():
        assert read(handle) == name.encode()


def traces(bench: Bench) -> None:
    """The trace buffer is readable while it runs, and gone afterwards."""
    bench.start()
    bench.wait(lambda: bench.images.trace in bench.shell.cat(f"{DEBUG}/trace0"))
    bench.stop()
    assert not bench.shell.exists(f"{DEBUG}/trace0")


def refuses_bad_images(bench: Bench) -> None:
    """Every kind of broken ELF or table: EINVAL (or ENOMEM), offline, and a good one boots next."""
    assert _errno_of(lambda: bench.start("missing.elf")) == errno.ENOENT
    for name, image in IMAGES.items():
        if image.errno and image.errno != errno.ENOENT and name != "empty.elf":
            (bench.directory / name).write_bytes(image.make())
            code = _errno_of(lambda name=name: bench.start(name))  # type: ignore[misc]
            assert code in (errno.EINVAL, errno.ENOMEM, 0), (name, code)
            if code == 0:
                bench.stop()
            assert bench.state == "offline", name
    bench.start()
    assert bench.state == "running"


def counts_power_references(bench: Bench) -> None:
    """Two starts need two stops."""
    bench.start()
    bench.shell.echo(f"{R0}/state", "start")
    bench.stop()
    assert bench.state == "running"
    bench.stop()
    assert bench.state == "offline"
    assert _errno_of(bench.stop) == errno.EINVAL


def recovers_from_a_crash(bench: Bench) -> None:
    """Crash, recovery, and it answers again."""
    bench.start()
    bench.shell.echo(f"{DEBUG}/crash", "1\n")
    bench.wait(lambda: bench.log.count("is now up") == 2)
    bench.wait_channels()
    handle = bench.open("/dev/rpmsg0")
    write(handle, b"again")
    assert read(handle) == b"again"
    assert "handling crash #1" in bench.log
    assert "type watchdog" in bench.log


def stays_crashed_without_recovery(bench: Bench) -> None:
    """Until a user says so."""
    bench.start()
    bench.shell.echo(f"{R0}/recovery", "disabled")
    bench.shell.echo(f"{DEBUG}/crash", "2\n")
    bench.wait(lambda: bench.state == "crashed")
    bench.shell.echo(f"{R0}/recovery", "recover")
    assert bench.state == "running"
    bench.wait_channels()


def dumps_its_memory(bench: Bench) -> None:
    """An ELF core with the loaded segments."""
    bench.start()
    bench.shell.echo(f"{R0}/coredump", "enabled")
    bench.shell.echo(f"{DEBUG}/crash", "0\n")
    bench.wait(lambda: bench.shell.exists(f"{R0}/devcoredump/data"))
    core = bench.shell.cat_bytes(f"{R0}/devcoredump/data")
    assert core[:4] == b"\x7fELF"
    assert core[16] == 4
    bench.wait(lambda: bench.state == "running")


def restarts_cleanly(bench: Bench) -> None:
    """Numbers are used again, descriptors and threads do not grow."""
    bench.start()
    bench.stop()
    before = _in_use()
    for _ in range(20):
        bench.start()
        assert bench.shell.exists("/sys/bus/virtio/devices/virtio0")
        assert bench.shell.exists("/dev/rpmsg_ctrl0")
        bench.stop()
    assert _in_use() == before


def is_served_by_a_driver_that_is_bound_again(bench: Bench) -> None:
    """The firmware takes the new rings, and announces itself again."""
    bench.start()
    driver = "/sys/bus/virtio/drivers/virtio_rpmsg_bus"
    for number in range(3):
        bench.shell.echo(f"{driver}/unbind", "virtio0")
        assert bench.channels() == []
        bench.shell.echo(f"{driver}/bind", "virtio0")
        bench.wait_channels()
        handle = bench.shell.open("/dev/rpmsg0")
        try:
            write(handle, b"%d" % number)
            assert read(handle) == b"%d" % number
        finally:
            handle.release()


def is_removed_while_running(bench: Bench) -> None:
    """Unbinding the driver stops it; nothing is left in the tree."""
    bench.start()
    handle = bench.open("/dev/rpmsg0")
    driver = f"/sys/bus/platform/devices/{bench.device.name}/driver"
    bench.shell.echo(f"{driver}/unbind", bench.device.name)
    assert _errno_of(lambda: handle.read(10, 0)) == errno.EPIPE
    assert bench.shell.ls("/sys/class/remoteproc") == []
    assert bench.shell.ls("/sys/bus/virtio/devices") == []
    assert bench.shell.ls("/dev") == [name for name in bench.shell.ls("/dev") if name == "kmsg"]


@contextmanager
def _collected() -> Iterator[list[object]]:
    """What refers to itself and is used no more, when the block has ended. It is not freed."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def goes_without_the_collector(bench: Bench) -> None:
    """What a processor was is freed with it: a daemon would keep that of the last minutes."""
    driver = f"/sys/bus/platform/devices/{bench.device.name}/driver"
    with _collected() as found:
        echoes(bench)
        bench.close_files()
        bench.shell.echo(f"{R0}/coredump", "enabled")
        bench.shell.echo(f"{DEBUG}/crash", "0\n")
        bench.wait(lambda: bench.log.count("is now up") == 2)
        bench.shell.echo(f"{R0}/devcoredump/data", "1")
        bench.wait_channels()
        bench.shell.echo(f"{driver}/unbind", bench.device.name)
        bench.wait(lambda: "releasing" in bench.log)
    ours = Counter(type(gone).__qualname__ for gone in found if _is_ours(gone))
    assert not ours


def _is_ours(gone: object) -> bool:
    return type(gone).__module__.partition(".")[0] == "rprocfs"


#: name -> test.
TABLE: Mapping[str, Callable[[Bench], None]] = {
    test.__name__: test
    for test in (
        boots_and_stops,
        echoes,
        echoes_many_in_order,
        every_channel_has_an_endpoint_file,
        traces,
        refuses_bad_images,
        counts_power_references,
        recovers_from_a_crash,
        stays_crashed_without_recovery,
        dumps_its_memory,
        restarts_cleanly,
        is_served_by_a_driver_that_is_bound_again,
        is_removed_while_running,
        goes_without_the_collector,
    )
}
