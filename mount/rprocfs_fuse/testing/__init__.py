"""Boards for tests: the pytest plugin and what is behind it."""
