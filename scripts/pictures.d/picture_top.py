"""The screen of ``rprocfs top`` while messages pass in waves."""

import asyncio
import math
import os
import re
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path

from textual.widgets import DataTable, Sparkline

from rprocfs.board import open_board
from rprocfs.commands.top import cells, readings
from rprocfs.commands.top_screen import Screen
from rprocfs_fuse import transport

SIZE = (112, 30)
SECONDS, DELAY, PATIENCE = 9.0, 0.1, 120.0
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # nothing is loaded from elsewhere
_COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)


def draw() -> str:
    """The screen, after some seconds of traffic with the echo image."""
    with tempfile.TemporaryDirectory() as directory:
        options = transport.MountOptions("devfuse")
        with open_board() as system, transport.mount(system.tree, directory, options):
            return _session(Path(directory))


def _session(board: Path) -> str:
    files = board / "sys/class/remoteproc/remoteproc0"
    (files / "firmware").write_text("echo.elf")
    ended = threading.Event()
    screen = Screen(board, readings(board, sys.maxsize, DELAY, ended.wait), ended, cells)
    traffic = threading.Thread(target=_talk, args=(board, ended))

    async def session() -> str:
        async with screen.run_test(size=SIZE) as pilot:
            while not screen.query_one(DataTable).row_count:
                await asyncio.sleep(DELAY)
            await pilot.press("s")
            traffic.start()
            until = time.monotonic() + SECONDS
            while time.monotonic() < until or not max(screen.query(Sparkline).first().data):
                assert time.monotonic() < until + PATIENCE, "no message passes"
                await asyncio.sleep(DELAY)
            picture: str = screen.export_screenshot(title="rprocfs top")
            await pilot.press("q")
            return picture

    try:
        picture = asyncio.run(session())
    finally:
        ended.set()
        traffic.join()
    picture = _COMMENT.sub("", _FONTS.sub("", picture).replace("Fira Code", "ui-monospace"))
    picture = re.sub(r"terminal-\d+", "top", picture)
    return "\n".join(line.rstrip() for line in picture.splitlines() if line.strip()) + "\n"


def _talk(board: Path, ended: threading.Event) -> None:
    endpoint = board / "sys/bus/rpmsg/devices/virtio0.rpmsg-echo.-1.1025/endpoint"
    while not endpoint.exists():
        if ended.wait(DELAY):
            return
    descriptor = os.open(endpoint, os.O_RDWR)
    for number in count():
        if ended.is_set():
            break
        os.write(descriptor, b"hello")
        os.read(descriptor, 512)
        time.sleep(0.004 + 0.003 * math.sin(number / 60))
    os.close(descriptor)
