# seconds: 6000
# An hour without a storm, with ticks that are early, late, fast and lost now and then: watch writes nothing.
mkdir saved
hvstimer watch -q --ring 1M -o saved --exec 'echo "$HVSTIMER_EVENT" >>hook' >out 2>err &
w=$!
runs=0
while [ "$(cut -d. -f1 /proc/uptime)" -lt 3660 ]; do
	for s in healthy fast-ticks fast-clock refused page-off; do
		stimer-storm -q -o truth.jsonl $s || wrong "stimer-storm $s fails"
		runs=$((runs + 1))
	done
	rm -f truth.jsonl
	sleep 20
done
kill -0 $w || wrong "watch has ended"
echo "$runs healthy guests in $(cut -d' ' -f1 /proc/uptime) s"
same "instances" 2 "$(ls $T/instances | wc -l)"
kill -TERM $w
wait $w
same "exit status" 0 $?
same "printed" "" "$(cat out err)"
same "saved" "" "$(ls saved)"
[ ! -e hook ] || wrong "--exec was run: $(cat hook)"
same "instances left" 0 "$(ls $T/instances | wc -l)"
exit $bad
