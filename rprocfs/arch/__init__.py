"""What a processor architecture does: exceptions, faults and private peripherals.

Knows device models (:mod:`rprocfs.hw`) and nothing of any SoC or engine.
"""
