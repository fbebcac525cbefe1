"""Armv7-R in Unicorn."""
