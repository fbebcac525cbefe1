"""The transport over libfuse 2, by way of fusepy: for hosts without /dev/fuse's protocol.

Slower, with one thread for each blocked caller; kept to the same behaviour table as the
other one. What libfuse 2 cannot do: a reader that is blocked on a descriptor keeps
writers off the same descriptor (there is no FOPEN_STREAM), fstat(2) of an open file whose
node left the tree is ENOENT (it asks by path), and close(2) is a request: ENOTCONN where
the mount has ended before.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from rprocfs.errors import CommandError
from rprocfs.fs.kernfs import Tree
from rprocfs.locking import LockClass, new_lock
from rprocfs_fuse.fusepy.binding import FUSE, abort, ignore_sigpipe
from rprocfs_fuse.fusepy.forgetting import Forgetting
from rprocfs_fuse.fusepy.operations import PathOperations
from rprocfs_fuse.mounted import Mounted, MountOptions
from rprocfs_fuse.mountpoint import SOURCE, check_device, find_mount, fsname
from rprocfs_fuse.operations import Operations

#: How long the stop may take, in seconds.
PATIENCE = 5.0


class FusepyMount(Mounted):
    """A mount by way of fusepy, whose main loop has a thread of its own."""

    def __init__(
        self, tree: Tree, mountpoint: str, options: MountOptions, on_end: Callable[[], None]
    ) -> None:
        check_device()
        operations = Operations(tree, {0, os.geteuid()}, options.daemon)
        self.mountpoint = mountpoint
        self._on_end = on_end
        self._stopped = False
        self._lock = new_lock(LockClass.MOUNT)
        self._paths = PathOperations(operations)
        run = partial(self._run, _fuse_options(options))
        self._thread = threading.Thread(target=run, name="rprocfs-fuse", daemon=True)
        self._thread.start()
        while not self._paths.ready.wait(0.05):
            if not self._thread.is_alive():
                self._paths.close(PATIENCE)
                raise CommandError(f"{mountpoint}: libfuse could not mount")
        entry = find_mount(mountpoint)
        self._device = entry.device if entry else ""
        self._forgetting = Forgetting(tree, mountpoint, self._is_mounted)

    def wait(self) -> None:
        """See :meth:`Mounted.wait`."""
        self._thread.join()

    def stop(self) -> None:
        """See :meth:`Mounted.stop`."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        self._paths.stop_waiting(PATIENCE)
        self._forgetting.close()
        if self._thread.is_alive():
            abort(self._device, self.mountpoint)
        self._thread.join(PATIENCE)
        self._paths.close(PATIENCE)

    def _is_mounted(self) -> bool:
        """Whether what is on the mountpoint is ours, not gone and not covered."""
        entry = find_mount(self.mountpoint)
        return entry is not None and entry.device == self._device

    def _run(self, options: dict[str, Any]) -> None:
        where = os.fsencode(self.mountpoint).decode("latin-1")
        try:
            FUSE(self._paths, where, raw_fi=True, encoding="latin-1", foreground=True, **options)
        except RuntimeError:
            pass  # libfuse said why, on stderr
        finally:
            ignore_sigpipe()
            self._on_end()


def _fuse_options(options: MountOptions) -> dict[str, Any]:
    return {
        "fsname": fsname(options.source),
        "subtype": SOURCE,
        "nosuid": True,
        "nodev": True,
        "direct_io": True,
        "atomic_o_trunc": True,
        "use_ino": True,
        "entry_timeout": 0,
        "attr_timeout": 0,
        "negative_timeout": 0,
        "big_writes": True,
        "max_write": 131072,
        "allow_other": options.allow_other or os.geteuid() == 0,
        "ro": options.read_only,
    }
