# Removing a processor that was started twice.
boot 0 good.elf
$P "put > $R0/state start"
klog_clear
sim_unplug 0
$P "ls $RP"
klog
