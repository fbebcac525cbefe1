"""Code shared by the drivers of processors that execute firmware in a worker process."""
