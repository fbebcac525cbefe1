"""The rpmsg bus: channels, endpoints, name service, character devices."""
