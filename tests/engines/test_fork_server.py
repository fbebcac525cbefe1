"""A boot on Unicorn forks a process that has begun before; the worker is confined as any other."""

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from rprocfs.engines.fork_server import ForkServers
from rprocfs.engines.io_thread import IoThread
from rprocfs.engines.unicorn.engine import UnicornEngine, library
from rprocfs.soc.vsoc import VSOC1
from rprocfs.system import System
from tests.engines.host import IMAGES, ROOT, SAFETY, Host

ECHO = IMAGES / "echo.elf"
KEYS = r"Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp\w*|Threads|Sig\w+"
STATUS = re.compile(rf"^({KEYS}):.*$", re.MULTILINE)


def until(look):
    end = time.monotonic() + SAFETY
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def children():
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended
            found.update(map(int, (task / "children").read_text().split()))
    return found


def servers():
    """The fork servers that this process has started, and what was forked by them."""
    return {
        pid for pid in children() if b"fork_server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    }


class Ready(UnicornEngine):
    """With a fork server of its own, which :meth:`wait` waits for."""

    def __init__(self):
        self.servers = ForkServers(IoThread("test-io"))
        super().__init__(self.servers.io, self.servers)
        self.open(VSOC1)

    def wait(self):
        """The process, once it has imported everything."""
        until(lambda: self._servers.io.call(self._is_ready))
        return self.servers._server.process.pid

    def _is_ready(self):
        server = self.servers._server
        return server is not None and server.ready


@pytest.fixture
def engine():
    engine = Ready()
    yield engine
    engine.close()


def answers(host):
    host.start_rpmsg()
    host.wait(lambda: host.services)


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_boot_is_forked(engine):
    server = engine.wait()
    for _ in range(3):
        with Host(ECHO, engine=engine) as host:
            answers(host)
            assert host.worker.pid in servers()  # its command line is the server's
            assert host.worker.pid != server
            assert parent(host.worker.pid) == os.getpid()
    assert servers() == {server}


def test_a_boot_that_comes_too_early_begins_by_itself(engine):
    with Host(ECHO, engine=engine) as host:
        answers(host)
        assert host.worker.pid not in servers()
        engine.wait()


def test_the_end_of_a_worker_is_heard_of(engine):
    engine.wait()
    with Host(IMAGES / "crash.elf", engine=engine) as host:
        answers(host)
        os.kill(host.worker.pid, 9)
        host.wait(lambda: host.deaths)
        assert host.deaths[0].reason == "killed by SIGKILL"
        assert host.worker.pid not in children()


def test_the_end_is_heard_of_where_children_are_not_waited_for(engine):
    """SIGCHLD is ignored if the parent of the daemon has ignored it."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        engine.wait()
        with Host(ECHO, engine=engine) as host:
            answers(host)
            os.kill(host.worker.pid, signal.SIGKILL)
            host.wait(lambda: host.deaths)
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_one_that_was_killed_is_not_missed(engine):
    server = engine.wait()
    os.kill(server, 9)
    until(lambda: not runs(server))
    with Host(ECHO, engine=engine) as host:
        answers(host)
    assert engine.wait() != server


AT_FORK = """
import os, signal, sys, time
sys.path.append(sys.argv.pop(1))
from rprocfs.engines.unicorn import fork_server
fork = fork_server.fork_sibling
def outlive(server):
    try:
        while True:
            os.kill(server, 0)
            time.sleep(0.01)
    except ProcessLookupError:
        return 0
def at_fork():
    server, pid = os.getpid(), fork()
    {what}
    return pid
fork_server.fork_sibling = at_fork
fork_server.main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "what",
    [
        "pid and os.kill(os.getpid(), signal.SIGKILL)",  # the server is killed when it has forked
        "pid or outlive(server)",  # a worker that is late
        "pid and os.kill(os.getpid(), signal.SIGSTOP)",
    ],
)
def test_no_worker_is_left_behind_by_a_server_that_fails(engine, monkeypatch, what):
    """It would execute the same firmware in the same memory, and nobody would reap it."""
    monkeypatch.setattr("rprocfs.engines.fork_server.PATIENCE", 2.0)
    code = [sys.executable, "-c", AT_FORK.format(what=what), str(ROOT), library(), VSOC1.source]
    monkeypatch.setattr("rprocfs.engines.unicorn.engine._fork_server", lambda _machine: code)
    engine.close()
    before = children()
    engine.open(VSOC1)
    engine.wait()
    with Host(ECHO, engine=engine) as host:
        answers(host)
        server = engine.servers._server
        known = {host.worker.pid} | ({server.process.pid} if server else set())
        assert children() - before <= known
    engine.close()
    assert children() <= before


def test_few_descriptors_are_enough(engine):
    engine.wait()
    engine.close()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = max(map(int, os.listdir("/proc/self/fd"))) + 64
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(lowest, 128), hard))
    try:
        engine.open(VSOC1)
        server = engine.wait()
        with Host(ECHO, engine=engine) as host:
            answers(host)
            assert host.worker.pid in servers() - {server}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_workers_survive_it(engine):
    server = engine.wait()
    with Host(ECHO, engine=engine) as host:
        os.kill(server, 9)
        until(lambda: not runs(server))
        answers(host)


def test_it_ends_with_the_last_engine():
    shared = ForkServers(IoThread("test-io"))
    engines = [UnicornEngine(shared.io, shared) for _ in range(2)]
    for engine in engines:
        engine.open(VSOC1)
    (server,) = until(servers)
    engines[0].close()
    assert servers() == {server}
    engines[1].close()
    assert server not in children()


def test_it_is_for_one_machine(engine):
    engine.wait()
    assert engine.servers.io.call(lambda: engine.servers.get(["another"])) is None


def test_the_processors_of_a_driver_share_it():
    m4 = {"compatible": "rprocfs,cortex-m4", "engine": "unicorn"}
    with System() as system:
        system.add_processor(m4)
        system.add_processor(m4)
        assert len(until(servers)) == 1
    assert not servers()


def test_it_does_not_survive_its_parent():
    script = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(ROOT)!r})
        from tests.engines.test_fork_server import Ready
        print(Ready().wait(), flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
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
    """Of a process that executes: what the kernel says of it, descriptors, session, namespaces."""
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
    limits = (process / "limits").read_text().replace("  ", " ").splitlines()
    limits = [line for line in limits if "address space" not in line]  # what it has, and more
    leads = os.getsid(worker.pid) == worker.pid
    return status, descriptors, sorted(spaces), limits, leads


def test_a_worker_is_confined_as_any_other(engine):
    engine.wait()
    found = []
    for each in (engine, UnicornEngine()):
        with Host(ECHO, engine=each) as host:
            answers(host)
            found.append(restrictions(host.worker))
    forked, usual = found
    assert forked == usual
    assert any(line.startswith("Seccomp:\t2") for line in forked[0])


def test_without_unicorn_there_is_none(monkeypatch):
    monkeypatch.setattr("rprocfs.engines.unicorn.engine.library", lambda: None)
    engine = Ready()
    assert "test-io" not in {thread.name for thread in threading.enumerate()}
    engine.close()
