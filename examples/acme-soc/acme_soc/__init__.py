"""The Acme DS2, a SoC with two Cortex-M4, and a board that has one."""

from pathlib import Path

#: ``rprocfs mount --board acme``.
BOARD = Path(__file__).with_name("acme.toml")
