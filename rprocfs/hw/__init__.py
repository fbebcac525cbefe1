"""Device models, filed by their maker: numbers in, numbers out.

A model has declared registers (:mod:`rprocfs.hw.registers`) and no thread, no file and no
clock but the one it is given. It knows no SoC: addresses and wires are the SoC's.
"""
