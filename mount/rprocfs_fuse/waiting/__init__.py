"""How a request waits: parked, polled, in a thread of its own, or behind a close."""
