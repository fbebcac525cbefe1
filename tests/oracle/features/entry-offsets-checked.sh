# An offset of the resource table that leads into its header.
cp $FWDIR/good.elf $FWDIR/tmp-header.elf
printf '\010\000\000\000' | dd of=$FWDIR/tmp-header.elf bs=1 seek=388 conv=notrunc 2>/dev/null
$P "put > $R0/firmware tmp-header.elf" "put > $R0/state start" "cat $R0/state"
klog
