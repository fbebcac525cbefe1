"""``rprocfs-labgrid-exporter``: labgrid's exporter, which knows ``RprocfsBoard``."""

from __future__ import annotations

import shlex
from typing import Any

import attr
from labgrid.factory import target_factory
from labgrid.remote import exporter

import rprocfs_labgrid.resource  # noqa: F401 - registers the resource
from rprocfs_fuse.testing.keeper import Keeper


@attr.s(eq=False)
class RprocfsBoardExport(exporter.ResourceExport):
    """A board for whoever acquires its place.

    What keeps the board runs from then until the place is released, and ends with the exporter.
    """

    def __attrs_post_init__(self) -> None:
        """As all exports: the local resource, and the class that clients see."""
        super().__attrs_post_init__()
        self.local = target_factory.make_resource(None, self.cls, None, self.local_params)
        self.data["cls"] = "NetworkRprocfsBoard"
        self._keeper: Keeper | None = None

    def _get_params(self) -> dict[str, Any]:
        door = shlex.join(self._keeper.command) if self._keeper else None
        return {"host": self.host, "board": self.local.board, "door": door}

    def _start(self, _start_params: dict[str, Any]) -> None:
        self._keeper = Keeper(self.local.words())

    def _stop(self, _start_params: dict[str, Any]) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.close()

    def poll(self) -> bool:
        """Replace a keeper that was killed; the board is off then."""
        if self._keeper is not None and not self._keeper.alive:
            self.logger.error("what kept the board has ended, it is off now")
            self.stop()
        return bool(super().poll())


def main() -> None:
    """Labgrid's own command line, with one class more to export."""
    exporter.exports["RprocfsBoard"] = RprocfsBoardExport
    exporter.main()
