"""The mount: FUSE transports and commands of rprocfs."""
