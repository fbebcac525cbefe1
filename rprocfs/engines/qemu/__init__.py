"""The QEMU engine: QEMU is the worker process, spoken to by QMP."""
