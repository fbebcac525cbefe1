"""Devices, classes, buses, drivers, firmware and the kernel log."""
