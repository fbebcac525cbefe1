# The links of a driver that is built in.
$P "ls /sys/bus/platform/drivers/rproc-virtio"
