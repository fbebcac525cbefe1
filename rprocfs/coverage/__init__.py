"""Line coverage of firmware: what was executed, kept in files, and what that means in its sources.

A directory has, for each image, a copy of it, and for each processor of each daemon a file of
JSON with what its boots have executed, added up.
"""
