"""Trace buffers: ``traceN`` in debugfs -- rproc_create_trace_file() of remoteproc_debugfs.c.

It is separate from the rest of debugfs to avoid an import circle: handling a resource table makes
trace files, and the other debugfs files call boot and recovery.
"""

from __future__ import annotations

from rprocfs.fs.debugfs import DebugfsFile
from rprocfs.remoteproc.rproc import Rproc, RprocMemEntry, rproc_da_to_va


def rproc_create_trace_file(rproc: Rproc, trace: RprocMemEntry) -> None:
    """Make a file for the buffer *trace*; each read reads the remote's memory."""

    def show() -> bytes:
        va = rproc_da_to_va(rproc, trace.da, trace.len)
        if va is None:
            return b"Trace  not available\n"
        return bytes(va).split(b"\0", 1)[0]

    if rproc.debug_dir is not None:
        rproc.debug_dir.add(trace.name, DebugfsFile(show, fresh=True))


def rproc_remove_trace_file(rproc: Rproc, trace: RprocMemEntry) -> None:
    """Undo :func:`rproc_create_trace_file`."""
    if rproc.debug_dir is not None:
        rproc.debug_dir.remove(trace.name)
