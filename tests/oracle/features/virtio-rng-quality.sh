# How much entropy the driver of virtio-rng promises.
cp $FWDIR/good.elf $FWDIR/tmp-rng.elf
printf '\004' | dd of=$FWDIR/tmp-rng.elf bs=1 seek=508 conv=notrunc 2>/dev/null
boot 0 tmp-rng.elf
$P "cat $VB/devices/virtio0/device" "cat /sys/class/misc/hw_random/rng_quality"
