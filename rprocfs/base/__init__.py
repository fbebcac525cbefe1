"""Devices, classes, buses, drivers, firmware and the kernel log -- drivers/base.

A :class:`~rprocfs.base.model.DriverModel` owns one tree and what all devices share.
Nothing here is module-level state: two models in one process know nothing of
each other.
"""
