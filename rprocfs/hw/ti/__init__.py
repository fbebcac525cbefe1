"""Peripherals of TI's K3 processors: AM62x, AM64x."""
