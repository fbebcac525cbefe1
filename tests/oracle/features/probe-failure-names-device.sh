# A vdev that its driver refuses: what the driver core says.
boot 0 vring-num0.elf
klog | grep "probe"
