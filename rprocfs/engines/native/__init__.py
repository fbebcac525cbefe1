"""The native engine: a program of this host is the firmware, confined to a sandbox."""
