# SPDX-License-Identifier: GPL-2.0
# What the jobs of jobs/ begin with. A job has failed when something is WRONG in its log.
T=/sys/kernel/tracing
bad=0

wrong() {
	echo "WRONG $*"
	bad=1
}

same() { # NAME WANT GOT
	[ "$2" = "$3" ] || wrong "$1: want \"$2\", got \"$3\""
}

holds() { # NAME PART FILE
	grep -q -- "$2" "$3" || wrong "$1: no \"$2\" in: $(cat "$3")"
}

# Says so where the emulator did not give a guest its time: phases of $1 that took longer than they were to.
slow() {
	sed -n 's/.*"phase_\(start\|end\)","mono_ns":\([0-9]*\),"vcpu":\([0-9]*\),.*"phase":\([0-9]*\),.*/\1 \3.\4 \2 &/p' "$1" |
		awk '$1 == "start" { from[$2] = $3; secs[$2] = $0; sub(/.*"secs":/, "", secs[$2]) }
			$1 == "end" && $2 in from && ($3 - from[$2]) / 1e9 > 1.25 * (secs[$2] + 0) {
				print "SLOW phase", $2, "took", ($3 - from[$2]) / 1e9, "s of", secs[$2] + 0 }'
}

# What a recording may not leave changed.
state() {
	for f in tracing_on set_event buffer_size_kb trace_clock current_tracer saved_cmdlines_size; do
		echo "$f: $(cat $T/$f)"
	done
	grep -v '^none$' $T/events/kvm/*/filter $T/events/sched/sched_switch/filter
	ls $T/instances
}

# hvstimer record in the background, its messages in err; returns when it says that it records.
start_record() {
	rm -f err # of the record before
	hvstimer record "$@" >out 2>err &
	recorder=$!
	i=0
	while ! grep -qs 'record: recording' err; do
		i=$((i + 1))
		[ $i -lt 600 ] || { wrong "it does not begin: $(cat err)"; break; }
		kill -0 $recorder 2>/dev/null || { wrong "it ends: $(cat err)"; break; }
		sleep 0.1
	done
}

end_record() { # SIGNAL WANTED-STATUS
	kill -"$1" $recorder
	wait $recorder
	same "exit status after SIG$1" "$2" $?
}

# Where the buffers were never used their size would differ afterwards.
echo 1408 >$T/buffer_size_kb
