"""The remote processor framework -- drivers/remoteproc.

From the bottom up; a module imports only those before it:

- Formats, without threads, files or log: :mod:`.rsc_table` and the entries in :mod:`.fw_rsc`,
  :mod:`.elf_loader`, their errors in :mod:`.errors`, and the state machine in :mod:`.state`.
- :mod:`.rproc`: ``struct rproc``, the operations of its driver and its memory;
  :mod:`.statics`: what all processors of one system share.
- What a boot makes: :mod:`.memory`, :mod:`.vring`, :mod:`.virtio` and :mod:`.trace`, driven by
  the entries of the table (:mod:`.resources`); :mod:`.coredump`.
- What acts on a processor: :mod:`.boot` (from an image to a running processor and back),
  :mod:`.core` (the functions that drivers and users call), :mod:`.recovery`.
- What userspace sees: :mod:`.sysfs`, :mod:`.cdev`, :mod:`.debugfs`, which only
  :mod:`.subsystem` imports. :mod:`.configfs` makes processors.

May import ``fs``, ``base``, ``virtio``, ``kernel`` and ``lib``; never ``rpmsg``, which it meets
on the virtio bus, and no driver.

Invariants: the state changes under ``Rproc.lock`` only. A boot that fails and a stop both undo
what the boot made, in reverse order. The remote may change its table and its rings at any time,
so every value that is read from them is checked at every read.
"""
