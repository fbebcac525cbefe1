"""The memory that a processor's rings and buffers are allocated from, and a note of it."""

from __future__ import annotations

from rprocfs.base.dma import DmaBuffer, DmaPool


class DryPool(DmaPool):
    """*inner*, and what it gave and was not given back: *buffers*."""

    def __init__(self, inner: DmaPool) -> None:
        self._inner = inner
        self.buffers: list[DmaBuffer] = []

    def alloc(self, size: int, da: int | None = None) -> DmaBuffer:
        """As *inner*."""
        buffer = self._inner.alloc(size, da)
        self.buffers.append(buffer)
        return buffer

    def find(self, da: int, size: int) -> memoryview | None:
        """As *inner*."""
        return self._inner.find(da, size)

    def free(self, buffer: DmaBuffer) -> None:
        """As *inner*."""
        self.buffers = [other for other in self.buffers if other is not buffer]
        self._inner.free(buffer)
