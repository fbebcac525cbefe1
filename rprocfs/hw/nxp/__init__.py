"""Devices of NXP's i.MX processors."""
