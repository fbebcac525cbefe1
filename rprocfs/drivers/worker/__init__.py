"""What all drivers of processors that execute firmware in a worker process share."""
