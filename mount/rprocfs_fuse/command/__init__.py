"""``rprocfs mount``, ``umount`` and ``setup``, and the daemon behind a mount."""
