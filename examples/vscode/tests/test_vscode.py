"""F5 without an editor: the tasks, and what cppdbg and Cortex-Debug tell gdb."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
RPROCFS = [sys.executable, "-m", "rprocfs"]


def settings(name, workspace):
    """A file of .vscode as the editor sees it."""
    text = (workspace / ".vscode" / name).read_text()
    return json.loads(text.replace("${workspaceFolder}", str(workspace)))


@pytest.fixture
def workspace(tmp_path):
    """A project with the files of this example; the port is one that is free."""
    path = tmp_path / "app"
    subprocess.run([*RPROCFS, "firmware", "new", path], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(HERE / ".vscode", path / ".vscode")
    shutil.copy(HERE / "board.toml", path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    for file in (path / "board.toml", path / ".vscode/launch.json"):
        file.write_text(file.read_text().replace("3333", port))
    (tmp_path / "bin").mkdir()
    rprocfs = tmp_path / "bin/rprocfs"
    rprocfs.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rprocfs "$@"\n')
    rprocfs.chmod(0o755)
    yield path
    subprocess.run([*RPROCFS, "umount", "--lazy", path / "board"], capture_output=True, check=False)


def run_task(workspace, label):
    """A task, after those that it depends on."""
    (task,) = (one for one in settings("tasks.json", workspace)["tasks"] if one["label"] == label)
    if "dependsOn" in task:
        run_task(workspace, task["dependsOn"])
    path = f"{workspace.parent / 'bin'}:{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-c", task["command"]], cwd=task["options"]["cwd"],
        env=os.environ | {"PATH": path}, timeout=120, check=True,
    )  # fmt: skip


def breakpoint_hit(program, commands):
    """What gdb says until it stops at a breakpoint; none of the commands fails."""
    with subprocess.Popen(
        [program, "-nx", "--interpreter=mi"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as gdb:  # fmt: skip
        gdb.stdin.write("\n".join(commands) + "\n")
        gdb.stdin.flush()
        said = ""
        for line in gdb.stdout:
            said += line
            assert not line.startswith("^error"), said
            if 'reason="breakpoint-hit"' in line:
                break
        gdb.stdin.write("-gdb-exit\n")
        gdb.stdin.flush()
    return said


def cppdbg(launch):
    return launch["miDebuggerPath"], [
        f"-file-exec-and-symbols {launch['program']}",
        f"-target-select remote {launch['miDebuggerServerAddress']}",
    ]


def cortex_debug(launch):
    return launch["gdbPath"], [
        f"-file-exec-and-symbols {launch['executable']}",
        f"-target-select remote {launch['gdbTarget']}",
        *(f'-interpreter-exec console "{line}"' for line in launch["overrideResetCommands"]),
    ]


@pytest.mark.parametrize(("kind", "commands"), [("cppdbg", cppdbg), ("cortex-debug", cortex_debug)])
def test_f5(kind, commands, workspace):
    launches = settings("launch.json", workspace)["configurations"]
    (launch,) = (one for one in launches if one["type"] == kind)
    run_task(workspace, launch["preLaunchTask"])
    program, first = commands(launch)
    more = ["-break-insert main", "-exec-continue"]
    said = breakpoint_hit(program, ["-gdb-set remotetimeout 120", *first, *more])
    assert 'func="main"' in said
    run_task(workspace, launch["postDebugTask"])
    assert not (workspace / "board").exists()
