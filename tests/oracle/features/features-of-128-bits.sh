# How many digits the features of a virtio device have.
boot 0 good.elf
$P "cat $VB/devices/virtio0/features"
