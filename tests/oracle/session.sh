#!/bin/sh
# session.sh OUT CASE...: run these cases one after the other, under rprocfs run.
# OUT/NAME.txt gets the transcript, as runcases.sh of the oracle makes it.
out=$1
shift
for c; do
	n=${c##*/}
	n=${n%.sh}
	sh -c '. "$ORACLE_LIB/common.sh"; sim_reset' > "$out/$n.reset" 2>&1 || echo "(reset failed)" >> "$out/$n.reset"
	timeout -s KILL 90 sh -c '. "$ORACLE_LIB/common.sh"; . "$0"' "$c" > "$out/$n.txt" 2>&1
	rc=$?
	[ $rc = 0 ] || echo "(exit status $rc)" >> "$out/$n.txt"
done
