"""Machines as data and peripherals, apart from any engine that executes instructions."""
