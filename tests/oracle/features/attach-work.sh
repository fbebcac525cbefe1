# A processor that runs already and cannot be attached to: is it registered?
echo detached=2 autoboot=2 failattach=2 > $SIMDBG/reset
settle
$P "ls $RP"
klog | sed -e '/releasing/d' -e 's/.*probe.* failed with/klog: probe failed with/'
