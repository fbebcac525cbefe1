"""Terminals: the line discipline, open files and ports, whatever carries the bytes."""
