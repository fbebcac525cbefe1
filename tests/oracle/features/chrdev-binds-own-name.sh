# A channel that is itself named rpmsg_chrdev.
boot 0 good.elf rpmsg_chrdev@1024
$P "readlink $RB/devices/virtio0.rpmsg_chrdev.-1.1024/driver" "ls $RC"
