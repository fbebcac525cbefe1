"""Engines that execute a machine's instructions in a worker process."""
