"""What starts and stops together with a processor -- ``struct rproc_subdev``."""

from __future__ import annotations

from collections.abc import Iterator


class RprocSubdev:
    """``struct rproc_subdev``: override what is needed. OSError where noted."""

    def prepare(self) -> None:
        """Before the processor starts; OSError."""

    def start(self) -> None:
        """After the processor started; OSError."""

    def stop(self, *, crashed: bool) -> None:
        """Before the processor is stopped."""

    def unprepare(self) -> None:
        """After the processor was stopped."""


class Subdevices:
    """``rproc->subdevs``: forward on the way up, backward on the way down."""

    def __init__(self) -> None:
        self._subdevs: list[RprocSubdev] = []

    def __iter__(self) -> Iterator[RprocSubdev]:
        return iter(list(self._subdevs))

    def add(self, subdev: RprocSubdev) -> None:
        """``rproc_add_subdev``."""
        self._subdevs.append(subdev)

    def remove(self, subdev: RprocSubdev) -> None:
        """``rproc_remove_subdev``."""
        self._subdevs.remove(subdev)

    def prepare(self) -> None:
        """Prepare all, or none: OSError."""
        done: list[RprocSubdev] = []
        for subdev in list(self._subdevs):
            try:
                subdev.prepare()
            except OSError:
                for earlier in reversed(done):
                    earlier.unprepare()
                raise
            done.append(subdev)

    def start(self) -> None:
        """Start all, or none: OSError."""
        done: list[RprocSubdev] = []
        for subdev in list(self._subdevs):
            try:
                subdev.start()
            except OSError:
                for earlier in reversed(done):
                    earlier.stop(crashed=True)
                raise
            done.append(subdev)

    def stop(self, *, crashed: bool) -> None:
        """Stop all."""
        for subdev in reversed(self._subdevs):
            subdev.stop(crashed=crashed)

    def unprepare(self) -> None:
        """Unprepare all."""
        for subdev in reversed(self._subdevs):
            subdev.unprepare()
