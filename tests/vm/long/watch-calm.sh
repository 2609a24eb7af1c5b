# seconds: 6000
# An hour without a storm, with guests whose ticks are early, late and fast: watch writes nothing. With VM_CPUS=1
# the emulated machine lives longer.
mkdir saved
hvstimer watch -q --ring 1M -o saved --exec 'echo "$HVSTIMER_EVENT" >>hook' >out 2>err &
w=$!
runs=0
begin=$(cut -d. -f1 /proc/uptime)
while [ "$(cut -d. -f1 /proc/uptime)" -lt $((begin + 3600)) ]; do
	for s in healthy fast-clock fast-ticks; do
		stimer-storm -q -o truth.jsonl $s || wrong "stimer-storm $s fails"
		runs=$((runs + 1))
		sleep 40
	done
done
kill -0 $w || wrong "watch has ended"
echo "$runs guests without a storm in $(($(cut -d. -f1 /proc/uptime) - begin)) s"
same "instances" 2 "$(ls $T/instances | wc -l)"
kill -TERM $w
wait $w
same "exit status" 0 $?
same "printed" "" "$(cat out err)"
same "saved" "" "$(ls saved)"
[ ! -e hook ] || wrong "--exec was run: $(cat hook)"
same "instances left" 0 "$(ls $T/instances | wc -l)"
exit $bad
