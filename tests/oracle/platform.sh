# Platform functions of the oracle's cases (see its README.md) for rprocfs run.
# $ORACLE_TMP is a directory of the session's own.
SIMDBG=/sys/kernel/debug/rproc_sim
FWDIR=/lib/firmware

sim_ctl() { _sn=$1; shift; printf '%s' "$*" > $SIMDBG/$_sn/ctl; }

# ---- life cycle ----
sim_reset() {
	rm -f $FWDIR/tmp-* $FWDIR/rproc-sim*-fw
	printf '%s\n' "$*" > $SIMDBG/reset
	settle
	klog_clear
}
sim_unplug() { echo rproc-sim.$1 > /sys/bus/platform/drivers/rproc-sim/unbind; settle; }
sim_plug() { echo rproc-sim.$1 > /sys/bus/platform/drivers/rproc-sim/bind; settle; }
settle() { sysprobe 'sleep 60'; }

# ---- faults ----
sim_fail_start() { sim_ctl $1 fail_start $2; }
sim_fail_stop() { sim_ctl $1 fail_stop $2; }
sim_fail_attach() { sim_ctl $1 fail_attach $2; }
sim_fail_detach() { sim_ctl $1 fail_detach $2; }
sim_fail_prepare() { sim_ctl $1 fail_prepare $2; }
sim_delay_start() { sim_ctl $1 delay_start $2; }
sim_crash() { sim_ctl $1 crash $2; settle; }

# ---- remote side ----
sim_services() { _sn=$1; shift; sim_ctl $_sn services "$*"; }
sim_echo() { sim_ctl $1 echo $2; }
sim_hold() { sim_ctl $1 hold $2; settle; }
sim_ns_create() { sim_ctl $1 ns create $2 $3 $4; settle; }
sim_ns_destroy() { sim_ctl $1 ns destroy $2 $3 $4; settle; }
sim_send() { _sn=$1; shift; sim_ctl $_sn send "$*"; settle; }
sim_flood() { sim_ctl $1 flood $2 $3 $4; settle; }
sim_fill() { sim_ctl $1 fill $2 $3 $4; settle; }
sim_trace() { _sn=$1; shift; sim_ctl $_sn trace "$*"; }
sim_log() { sed "s/^/remote$1: /" $SIMDBG/$1/log; }
sim_log_clear() { sim_ctl $1 log clear; }

# ---- firmware files, log, uevents ----
fw_put() { cp $FWDIR/$1 $FWDIR/$2; }
fw_del() { rm -f $FWDIR/$1; }
# By syslog(2), as on the kernel; times are off there.
klog_clear() { dmesg -C; }
klog() {
	dmesg -S -t -c |
	sed -e '/cut here/,/end trace/{/WARNING/{s/.* at \([^ ]*\) .*/klog: (kernel WARNING at \1)/p};d}' \
		-e 's/+0x[0-9a-f]*\/0x[0-9a-f]*/+OFF/g' -e 's/^/klog: /'
}
uev_start() {
	rm -f $ORACLE_TMP/uevready; : > $ORACLE_TMP/uev
	sysprobe uevents $ORACLE_TMP/uev > $ORACLE_TMP/uevready & _uev=$!
	while [ ! -s $ORACLE_TMP/uevready ]; do sysprobe 'sleep 20'; done
}
# bdi: other mounts on this machine, whose events are real and reach everyone.
uev_show() {
	settle
	grep -v -e '@/module' -e '@/bus/' -e '@/kernel/' -e '@/class/' -e '@/devices/virtual/bdi/' $ORACLE_TMP/uev |
	sed "s/^/uev: /;s/devcd[0-9]*/devcdN/g;$1"
	: > $ORACLE_TMP/uev
}
uev_stop() { kill $_uev; wait $_uev 2>/dev/null || :; }
