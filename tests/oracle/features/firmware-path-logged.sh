# A firmware file whose name is too long: what the log says first.
$P "put > $R0/firmware @300:f" "put > $R0/state start"
klog | sed 's/ffffffffff*/F*/'
