"""The virtio bus and its split virtqueues."""
