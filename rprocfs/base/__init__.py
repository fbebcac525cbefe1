"""Devices, classes, buses, drivers, firmware and the kernel log -- drivers/base.

A :class:`~rprocfs.base.model.DriverModel` owns one tree and what all devices share.
Nothing here is module-level state: two models in one process know nothing of
each other.

May import ``fs``, ``kernel`` and ``devicetree``. A device knows of its bus and its driver only
what it asks of them; both are above it.

Invariants: nothing of a device is visible before ``device_add``, and all of it is gone after
``device_del``. A driver is bound and unbound under the lock of the device.
"""
