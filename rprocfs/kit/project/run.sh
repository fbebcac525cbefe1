#!/bin/sh
# SPDX-License-Identifier: MIT
# On the board, by `make run`: boot, send one message, show what came back and the trace.
set -eu
rproc=/sys/class/remoteproc/remoteproc0
echo start > $rproc/state
tries=200
until [ -e /dev/rpmsg0 ]; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "no channel appeared" >&2; exit 1; }
    sleep 0.1
done
exec 3<> /dev/rpmsg0
echo hello >&3
sed 1q <&3
exec 3>&-
cat /sys/kernel/debug/remoteproc/remoteproc0/trace0
echo stop > $rproc/state
