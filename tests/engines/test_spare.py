"""A boot takes the worker that has begun already; it is as confined as one that began then."""

import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from rprocfs.engines.io_thread import IoThread
from rprocfs.engines.spare import Spares
from rprocfs.engines.unicorn.engine import UnicornEngine
from rprocfs.soc.vsoc import VSOC1
from rprocfs.system import System
from tests.engines.host import IMAGES, ROOT, SAFETY, Host

ECHO = IMAGES / "echo.elf"
STATUS = re.compile(r"^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp\w*|Threads):.*$", re.MULTILINE)


def until(look):
    end = time.monotonic() + SAFETY
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def children():
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def waiting():
    """The processes that wait for what to execute."""
    return {pid for pid in children() if b"standby" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@pytest.fixture
def spares():
    return Spares(IoThread("test-io"))


@pytest.fixture
def engine(spares):
    engine = UnicornEngine(spares.io, spares)
    engine.open(VSOC1)
    yield engine
    engine.close()


def test_the_worker_of_a_boot_has_begun_before(engine):
    (spare,) = until(waiting)
    with Host(ECHO, engine=engine) as host:
        host.start_rpmsg()
        host.wait(lambda: host.services)
        assert host.worker.pid == spare


def test_none_is_used_twice(engine):
    seen = set()
    for _ in range(3):
        (spare,) = until(lambda: waiting() - seen)
        with Host(ECHO, engine=engine) as host:
            assert host.worker.pid == spare
            seen.add(spare)
    assert len(seen) == 3


def test_a_boot_that_comes_too_early_begins_by_itself(engine):
    with Host(ECHO, engine=engine) as host:
        host.start_rpmsg()
        host.wait(lambda: host.services)
        assert until(waiting) != {host.worker.pid}


def test_one_that_was_killed_is_not_missed(engine):
    (spare,) = until(waiting)
    os.kill(spare, 9)
    until(lambda: not runs(spare))
    with Host(ECHO, engine=engine) as host:
        host.start_rpmsg()
        host.wait(lambda: host.services)
        assert host.worker.pid != spare


def test_it_ends_with_the_last_engine(spares):
    engines = [UnicornEngine(spares.io, spares) for _ in range(2)]
    for engine in engines:
        engine.open(VSOC1)
    (spare,) = until(waiting)
    engines[0].close()
    assert waiting() == {spare}
    engines[1].close()
    assert spare not in children()


def test_another_machine_does_not_take_it(spares):
    io = spares.io
    spares.acquire(["true"])
    assert io.call(lambda: spares.take(["false"])) is None
    spares.release()


def test_a_processor_that_goes_leaves_none():
    m4 = {"compatible": "rprocfs,cortex-m4", "engine": "unicorn"}
    with System() as system:
        system.add_processor(m4)
        system.add_processor(m4)
        assert len(until(waiting)) == 1  # of all processors of a driver
    assert not waiting()


def test_it_does_not_survive_its_parent():
    parent = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(ROOT)!r})
        from rprocfs.soc.vsoc import VSOC1
        from tests.engines.test_spare import IoThread, Spares, UnicornEngine, until, waiting
        spares = Spares(IoThread())
        engine = UnicornEngine(spares.io, spares)
        engine.open(VSOC1)
        print(*until(waiting), flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    with process:
        pid = int(process.stdout.readline())
        process.kill()
    until(lambda: not runs(pid))


def runs(pid):
    """A zombie does not: whoever inherited it may be slow to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def restrictions(worker):
    """Of a process that executes: what the kernel says of it, and its descriptors by kind."""
    process = Path(f"/proc/{worker.pid}")
    status = [line.group() for line in STATUS.finditer((process / "status").read_text())]
    descriptors = sorted(
        re.sub(r"[0-9]+", "N", os.readlink(fd)) for fd in (process / "fd").iterdir()
    )
    spaces = [
        space.name
        for space in (process / "ns").iterdir()
        if os.readlink(space) != os.readlink(f"/proc/self/ns/{space.name}")
    ]
    return status, descriptors, sorted(spaces)


def test_it_is_confined_as_any_other(engine):
    until(waiting)
    found = []
    for each in (engine, UnicornEngine()):
        with Host(ECHO, engine=each) as host:
            host.start_rpmsg()
            host.wait(lambda host=host: host.services)
            found.append(restrictions(host.worker))
    spare, usual = found
    assert spare == usual
    assert any(line.startswith("Seccomp:\t2") for line in spare[0])


def test_without_unicorn_there_is_none(spares, monkeypatch):
    monkeypatch.setattr("rprocfs.engines.unicorn.engine.library", lambda: None)
    engine = UnicornEngine(spares.io, spares)
    engine.open(VSOC1)
    assert "test-io" not in {thread.name for thread in threading.enumerate()}
    engine.close()
