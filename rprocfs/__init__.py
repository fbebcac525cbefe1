"""rprocfs: the Linux remoteproc framework in userspace."""

__version__ = "0.1.0"
