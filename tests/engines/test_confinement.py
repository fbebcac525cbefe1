"""Code that took a worker over finds nothing that it may have."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rprocfs.engines.confinement import seccomp, syscalls
from rprocfs.engines.native.engine import NativeEngine
from rprocfs.engines.qemu import engine as qemu
from rprocfs.engines.qemu.engine import QemuEngine
from rprocfs.engines.unicorn.engine import UnicornEngine
from tests.engines.host import SAFETY, Host
from tests.engines.installed import NEEDS_QEMU

HERE = Path(__file__).parent
ECHO = HERE.parents[1] / "rprocfs" / "firmware" / "echo.elf"
SECURITY = HERE.parents[1] / "SECURITY.md"

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="no compiler of this host")


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """`build(main, *flags)`: hostile.c with that main function; the file."""
    directory = tmp_path_factory.mktemp("hostile")

    def make(name, main, *flags):
        source = directory / f"{name}.c"
        source.write_text(f'#include "{HERE}/hostile.c"\n{main}\n')
        out = directory / name
        subprocess.run(["gcc", "-O1", "-Wall", "-o", out, source, *flags], check=True)
        return out

    return make


@pytest.fixture
def secret(tmp_path):
    """A file that everybody may read, by a path that everybody may search."""
    file = tmp_path / "secret"
    file.write_text("secret")
    for path in (file, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o055)
    return file


@pytest.fixture
def victim():
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process.pid
        process.kill()


def arguments(victim, secret):
    return f'{victim}, "{secret}", "{secret.parent}"'


class HostileUnicorn(UnicornEngine):
    """Calls *library* as the processor's execution."""

    def __init__(self, library, victim, secret):
        super().__init__()
        self.words = str(library), victim, str(secret).encode(), str(secret.parent).encode()

    def command(self, machine, boot, fds):
        library, *words = self.words
        command = super().command(machine, boot, fds)
        at = command.index("-c") + 1
        start, calls_main = command[at], "main(sys.argv[1:])"
        assert calls_main in start
        hostile = (
            f"import ctypes; lib = ctypes.CDLL({library!r}); "
            "from rprocfs.engines.unicorn import worker; worker.Processor.run = lambda self: "
            f"(lib.hostile(self.console.fd, *{words!r}), (0, ''))[1]; "
        )
        command[at] = start.replace(calls_main, hostile + calls_main)
        return command


def attempts(host):
    """What was tried, and what came of it."""
    host.wait(lambda: b"done got 0\n" in host.worker.console or host.deaths)
    lines = host.worker.console.decode().splitlines()
    return {line.split()[0]: line.split(" ", 1)[1] for line in lines}


def run_unicorn(build, victim, secret):
    library = build("hostile.so", "", "-shared", "-fPIC")
    with Host(ECHO, engine=HostileUnicorn(library, victim, secret)) as host:
        return attempts(host)


def run_qemu(build, victim, secret, monkeypatch):
    main = f"""
    int main(int count, char **words)
    {{
        for (int i = 0; i < count; i++)
            if (!strncmp(words[i], "socket,id=console,fd=", 21))
                hostile(atoi(words[i] + 21), {arguments(victim, secret)});
        pause();
    }}"""
    program = build("emulator", main)
    monkeypatch.setattr(qemu, "program", lambda _name="": str(program))
    with Host(ECHO, engine=QemuEngine(), core="cortex-m4") as host:
        return attempts(host)


def run_native(build, victim, secret):
    main = f"int main(void) {{ hostile(1, {arguments(victim, secret)}); pause(); }}"
    engine = NativeEngine()
    engine.load(build("native", main, "-DMAY_FORK").read_bytes(), 0)
    try:
        with Host(ECHO, engine=engine) as host:
            host.worker.wait_started()
            return attempts(host)
    finally:
        engine.unload()


def refused(found):
    assert len(found) > 25, found
    del found["done"]
    return {name: result for name, result in found.items() if not result.startswith("refused")}


def test_unicorn(build, victim, secret):
    assert refused(run_unicorn(build, victim, secret)) == {}


@NEEDS_QEMU
def test_qemu(build, victim, secret, monkeypatch):
    assert refused(run_qemu(build, victim, secret, monkeypatch)) == {}


def test_native(build, victim, secret):
    assert refused(run_native(build, victim, secret)) == {}


def table():
    """The rows of SECURITY.md, by the worker."""
    text = SECURITY.read_text()
    text = text[text.index("| worker |") :]
    lines = [line.strip("| ").split(" | ") for line in text[: text.index("\n\n")].splitlines()]
    return {row[0]: dict(zip(lines[0], row, strict=True)) for row in lines[2:]}


def status(pid):
    """The same of a running process."""
    proc = Path(f"/proc/{pid}")
    text = (proc / "status").read_text()
    fields = dict(re.findall(r"^(\w+):\s*(\w*)", text, re.MULTILINE))
    limits = dict(re.findall(r"^(Max .*?)  +(\w+)", (proc / "limits").read_text(), re.MULTILINE))
    caps = {value for name, value in fields.items() if name.startswith("Cap")}
    spaces = ("ipc", "mnt", "net", "pid", "uts")
    own = [
        s for s in spaces if (proc / "ns" / s).readlink() != Path(f"/proc/self/ns/{s}").readlink()
    ]
    environ = (proc / "environ").read_bytes()
    assert limits["Max address space"] != "unlimited"
    assert limits["Max core file size"] == "0"
    return {
        "Uid": fields["Uid"],
        "capabilities": "none" if caps == {"0" * 16} else str(caps),
        "NoNewPrivs": fields["NoNewPrivs"],
        "Seccomp": fields["Seccomp"],
        "namespaces of its own": " ".join(own),
        "open files": limits["Max open files"],
        "file size": limits["Max file size"],
        "environment": "empty" if not environ else "its own" if b"HOME=" not in environ else "ours",
    }


def program_of(launcher):
    """The last one in the line of children."""
    while children := Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        launcher = int(children[0])
    return launcher


@pytest.fixture
def engines(build):
    """Makers of running workers, by name: the process."""

    def native():
        engine = NativeEngine()
        engine.load(build("idle", "int main(void) { pause(); }").read_bytes(), 0)
        return engine

    return {"unicorn": UnicornEngine, "qemu": QemuEngine, "native": native}


@pytest.mark.parametrize("name", ["unicorn", pytest.param("qemu", marks=NEEDS_QEMU), "native"])
@pytest.mark.skipif(os.getuid() != 0, reason="the table is of a daemon that root started")
def test_the_table_is_that_of_a_running_worker(engines, name):
    engine = engines[name]()
    with Host(ECHO, engine=engine, core="cortex-m4") as host:
        if name == "native":
            host.worker.wait_started()
            engine.unload()
        else:
            host.start_rpmsg()
            host.wait(lambda: host.services)
        pid = program_of(host.worker.pid)
        end = time.monotonic() + SAFETY
        row = {key: value for key, value in table()[name].items() if key != "worker"}
        while status(pid) != row and name == "native":  # it is executed soon
            assert time.monotonic() < end, status(pid)
        assert status(pid) == row


@pytest.mark.parametrize("name", ["unicorn", pytest.param("qemu", marks=NEEDS_QEMU)])
def test_a_worker_has_the_descriptors_that_it_was_given_and_its_own(engines, name):
    with Host(ECHO, engine=engines[name](), core="cortex-m4") as host:
        host.start_rpmsg()
        host.wait(lambda: host.services)
        fds = Path(f"/proc/{host.worker.pid}/fd")
        kinds = {
            re.sub(r"\d+|\[.*|\(.*", "", str(fd.readlink())).strip(": ") for fd in fds.iterdir()
        }
        assert kinds <= {"/dev/null", "pipe", "socket", "/memfd:rproc-ram", "anon_inode"}


def simulate(code, number, *args, arch=0xC000003E):
    """What the program answers -- a BPF machine as of linux/filter.h."""
    data = number.to_bytes(4, "little") + arch.to_bytes(4, "little") + bytes(8)
    data += b"".join((a & (1 << 64) - 1).to_bytes(8, "little") for a in (*args, *[0] * 6)[:6])
    steps = [code[at : at + 8] for at in range(0, len(code), 8)]
    at = word = 0
    while True:
        op, jt, jf = int.from_bytes(steps[at][:2], "little"), steps[at][2], steps[at][3]
        k = int.from_bytes(steps[at][4:], "little")
        at += 1
        if op == 0x06:
            return k
        if op == 0x20:
            word = int.from_bytes(data[k : k + 4], "little")
        elif op == 0x54:
            word &= k
        else:
            at += jt if (word == k if op == 0x15 else word >= k) else jf


ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x50001, 0x50026, 0x80000000


@pytest.mark.parametrize("machine", [0, 1], ids=["x86_64", "aarch64"])
@pytest.mark.parametrize("kind", syscalls.KINDS)
def test_the_filter_says_what_the_lists_say(kind, machine):
    name, arch = [("x86_64", 0xC000003E), ("aarch64", 0xC00000B7)][machine]
    allowed, conditions = syscalls.KINDS[kind]
    code = seccomp.program(allowed, conditions, syscalls.MISSING, name)
    for call, numbers in syscalls.NUMBERS.items():
        if numbers[machine] is None:
            continue
        answer = simulate(code, numbers[machine], 0, arch=arch)
        if call in allowed:
            assert answer == ALLOW, call
        elif call in conditions:
            which, mask, values = conditions[call]
            for value, result in [(values[0], ALLOW), (values[0] ^ mask & -mask, None)]:
                words = [0] * 6
                words[which] = value
                got = simulate(code, numbers[machine], *words, arch=arch)
                assert got == (result or (ALLOW if value in values else EPERM)), call
        else:
            assert answer == (ENOSYS if call in syscalls.MISSING else EPERM), call
    assert simulate(code, 0, arch=0x40000003) == KILL
    assert simulate(code, 0x40000000, arch=arch) == KILL
    assert simulate(code, 9999, arch=arch) == EPERM


def test_the_numbers_are_those_of_the_headers():
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    generic = Path("/usr/include/asm-generic/unistd.h")
    if not header.exists() or not generic.exists():
        pytest.skip("no kernel headers: apt-get install linux-libc-dev")
    for file, column in ((header, 0), (generic, 1)):
        text = file.read_text()
        found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)$", text, re.MULTILINE))
        found.setdefault("newfstatat", found.get("fstatat"))
        for call, numbers in syscalls.NUMBERS.items():
            if numbers[column] is not None:
                assert numbers[column] == int(found[call]), call


SLOW = ("typing", "pathlib", "re", "importlib", "dataclasses", "enum", "logging", "contextlib")


@pytest.mark.parametrize("module", ["qemu.launcher", "confinement.lock"])
def test_a_launcher_imports_nothing_that_takes_long(module):
    script = (
        f"import sys; sys.path.append({str(HERE.parents[1])!r}); "
        f"import rprocfs.engines.{module}; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert not set(SLOW) & set(done.stdout.split())
