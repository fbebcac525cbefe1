"""The remote processor framework -- drivers/remoteproc.

From the bottom up, each module knows those before it:

- formats, without threads, files or log: :mod:`.rsc_table` over the entries of
  :mod:`.fw_rsc`, :mod:`.elf_loader`; why they refuse: :mod:`.errors`; :mod:`.state` has the
  states and the one table of what may happen in them.
- :mod:`.rproc`: ``struct rproc``, the operations of its driver and its memory;
  :mod:`.statics`: what all processors of one system share.
- what a boot makes: :mod:`.memory`, :mod:`.vring`, :mod:`.virtio`, :mod:`.trace`, by the
  entries of the table (:mod:`.resources`); :mod:`.coredump`.
- what is done: :mod:`.boot` (from an image to a running processor and back),
  :mod:`.core` (the functions that drivers and users call), :mod:`.recovery`.
- what userspace sees: :mod:`.sysfs`, :mod:`.cdev`, :mod:`.debugfs`; :mod:`.subsystem`
  alone knows them. :mod:`.configfs` makes processors.

May import ``fs``, ``base``, ``virtio``, ``kernel`` and ``lib``; never ``rpmsg``, which it meets
on the virtio bus, and no driver.

Invariants: the state changes under ``Rproc.lock`` only. What a boot made is undone by its
failure and by the stop, in reverse. The remote may change its table and its rings at any
time: what is read from them is checked each time, never remembered as checked.
"""
