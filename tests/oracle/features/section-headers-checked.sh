# Section headers that are not all in the file.
head -c -1 $FWDIR/good.elf > $FWDIR/tmp-cut.elf
$P "put > $R0/firmware tmp-cut.elf" "put > $R0/state start" "cat $R0/state"
klog
