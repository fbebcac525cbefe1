"""The transport that speaks the kernel's FUSE protocol itself, on /dev/fuse."""
