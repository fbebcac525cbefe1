"""Recordings of ``-o trace=FILE`` (:mod:`rprocfs.base.trace`) for people and their tools."""
