"""A lab on loopback: labgrid's coordinator, two exporters of ours, and clients."""

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from labgrid.util import Timeout

from tests.sshd import PRIVATE_RUN, SSHD

BIN = Path(sys.executable).parent
#: Seconds for a step of a program, on a machine that is busy with other tests.
PATIENCE = 120
SSH = """#!/bin/sh
exec %(ssh)s -F %(config)s "$@"
"""
#: To the machines of the exporters, which are this one, by an sshd for each connection.
SSH_CONFIG = """
Host east west
    IdentityFile %(key)s
    UserKnownHostsFile %(here)s/known_hosts
    ProxyCommand %(here)s/sshd
"""


class Farm:
    """The lab; *here* is its directory, *config* and *key* are those of its sshd."""

    def __init__(self, here, config, key):
        self.here = here
        self._stack = ExitStack()
        self._exporters = {}
        words = {
            "ssh": shutil.which("ssh"),
            "config": here / "ssh_config",
            "key": key,
            "here": here,
        }
        sshd = shlex.join([*PRIVATE_RUN, SSHD, "-i", "-f", str(config)])
        (here / "sshd").write_text(f"#!/bin/sh\nexec {sshd}\n")
        (here / "sshd").chmod(0o755)
        host = (config.parent / "host.pub").read_text()
        (here / "known_hosts").write_text(f"east,west {host}")
        (here / "bin").mkdir()
        (here / "bin/ssh").write_text(SSH % words)
        (here / "bin/ssh").chmod(0o755)
        (here / "ssh_config").write_text(SSH_CONFIG % words)
        self.environment = {**os.environ, "PATH": f"{here}/bin:{os.environ['PATH']}"}
        coordinator = self._start("labgrid-coordinator", "-l", "127.0.0.1:0")
        self.environment["LG_COORDINATOR"] = _said(coordinator, "listening on ").split()[-1]

    def _start(self, program, *words):
        log = (self.here / f"{program}.log").open("a")
        process = subprocess.Popen(
            [BIN / program, *words], cwd=self.here, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=self._stack.enter_context(log),
        )  # fmt: skip
        self._stack.callback(_end, process)
        return process

    def export(self, name, resources):
        """Start an exporter; it is ready when this returns."""
        file = self.here / f"{name}.yaml"
        file.write_text(resources)
        words = ["-n", name, "--hostname", name, file]
        self._exporters[name] = self._start("rprocfs-labgrid-exporter", *words)
        _said(self._exporters[name], "Exporter ready")

    def pid(self, name):
        """The process of an exporter."""
        return self._exporters[name].pid

    def kill(self, name):
        """End an exporter as a crash of its machine would."""
        self._exporters[name].kill()
        self._exporters.pop(name).wait()

    def client(self, *words, user="somebody"):
        """Exit status and output of labgrid-client."""
        done = subprocess.run(
            [BIN / "labgrid-client", *words], cwd=self.here, text=True, check=False,
            env=self.environment | {"LG_USERNAME": user},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
        )  # fmt: skip
        return done.returncode, done.stdout

    def done(self, *words, user="somebody"):
        """The output of labgrid-client, which succeeds."""
        status, said = self.client(*words, user=user)
        assert status == 0, said
        return said

    def client_until(self, wanted, *words):
        """Ask again until *wanted* of the output is true; the coordinator tells others later."""
        timeout = Timeout(float(PATIENCE))
        while not wanted(said := self.client(*words)[1]):
            assert not timeout.expired, said
        return said

    def session(self, user, file, test):
        """A user's job, as a process: acquire the places of an environment, test, release."""
        acquire = f"{BIN}/labgrid-client -c {file}"
        script = (
            f"{acquire} acquire && {sys.executable} -m pytest -q -p no:cacheprovider"
            f" --lg-env {file} {test}; status=$?; {acquire} release && exit $status"
        )
        return subprocess.Popen(
            ["sh", "-c", script], cwd=self.here, text=True,
            env=self.environment | {"LG_USERNAME": user},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def close(self):
        """End all that runs."""
        self._stack.close()


def _said(process, text):
    """The first line with *text*."""
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{process.args[0]} ended before it said {text}")


def _end(process):
    process.terminate()
    process.communicate()
