"""Engines that execute a machine's instructions in a worker process.

The parent's side: an :class:`~rprocfs.engines.engine.Engine` starts
:class:`~rprocfs.engines.worker.Worker` processes, all of whose news (messages,
console output, death) one :class:`~rprocfs.engines.io_thread.IoThread` delivers. The
RAM is a memfd that both sides map (:class:`~rprocfs.engines.memory.SharedRam`).

:mod:`.unicorn`, :mod:`.qemu` and :mod:`.native` are the engines.

**The worker contract.** A worker inherits the memfd and its ends of three stream
sockets: doorbell, console and control. It ends by itself when the control socket does
(QEMU: when the thread that started it is gone), so none outlives rprocfs. Its exit
status says why it died: 0, it came to a clean end; 70, the processor crashed, for the
reason in the first line of stderr, of the crash type in the second; anything else, the
worker itself failed. QEMU says the same in words of its own: SIGABRT and ``Lockup``, or
an event that it was reset.
"""
