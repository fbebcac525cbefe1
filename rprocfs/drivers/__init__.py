"""Platform drivers, one file each. Code that several drivers share is in packages.

:mod:`.worker` is for processors that execute firmware in a worker process, :mod:`.model` for those
with a simulated remote side; :mod:`.sim` is the driver ``rproc-sim``.

May import the framework, ``soc``, ``engines`` and ``hw``; nothing imports a driver: the table
``DRIVERS`` of :mod:`rprocfs.system` and the entry points ``rprocfs.drivers`` name them. So a
library that only one driver needs is imported with that driver.

Invariants: ``probe`` leaves nothing when it fails. ``stop`` leaves nothing running, no thread
and no process. ``kick`` neither blocks nor takes a lock of the framework.
"""
