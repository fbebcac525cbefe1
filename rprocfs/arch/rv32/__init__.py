"""RISC-V with 32-bit registers."""
