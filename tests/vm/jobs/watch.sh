# seconds: 900
# watch finds each storm among healthy ticks within two seconds and nothing else, saves what diagnose reads, and
# leaves nothing behind, not even killed. LATE: what a busy emulator may add, in ns.
LATE=1500000000
echo 1408 >$T/buffer_size_kb
state >before

# "TID MONO_NS" of each phase with a storm
storm_phases() {
	sed -n 's/.*"type":"phase_start","mono_ns":\([0-9]*\),.*"tid":\([0-9]*\),.*"expect_storm":true.*/\2 \1/p' "$1"
}

# "TID SINCE_NS UNTIL_NS" of each storm told after line $1
told() {
	tail -n +$(($1 + 1)) out | sed -n 's/.*"event": "storm",.*"tid": \([0-9]*\),.*"since_ns": \([0-9]*\), "until_ns": \([0-9]*\),.*/\1 \2 \3/p'
}

check_scenario() {
	n=$(wc -l <out)
	stimer-storm -q -o truth.jsonl "$1" || wrong "stimer-storm $1 fails"
	slow truth.jsonl
	sleep 4
	storm_phases truth.jsonl >want
	[ -s first.want ] || cp want first.want
	told "$n" >got
	same "$1: storms" "$(wc -l <want)" "$(wc -l <got)"
	while read -r tid ns; do
		grep "^$tid " got | awk -v ns="$ns" -v late=$LATE '$3 >= ns && $3 <= ns + 2e9 + late { ok = 1 } END { exit !ok }' ||
			wrong "$1: not found in time: phase $tid $ns, told $(cat got)"
	done <want
}

hvstimer watch --jsonl --ring 8M -o saved --exec 'echo "$HVSTIMER_EVENT $HVSTIMER_FILE" >>hook' >out 2>err
same "no directory to save to" 3 $?
mkdir saved
hvstimer watch --jsonl --ring 8M -o saved --exec 'echo "$HVSTIMER_EVENT $HVSTIMER_FILE" >>hook' >out 2>err &
w=$!
for s in healthy constant-lag-now fast-ticks message-lag healthy raw-tsc fast-clock some-vcpus lost-timer constant-lag-now refused; do
	check_scenario $s
done
same "instances while it runs" 2 "$(ls $T/instances | wc -l)"
kill -TERM $w
wait $w
same "exit status" 0 $?
state >after
cmp before after || wrong "state: $(diff before after)"
first=$(ls saved/*.dat | head -n 1)
hvstimer diagnose --json "$first" >first.json || wrong "what was saved cannot be read"
holds "the storm is in what was saved" '"question": "storm", "answer": "yes"' first.json
# One ring a minute is saved, so it is the first storm's; its first arm comes a tick after the phase begins.
start=$(sed -n 's/.*"timer": [0-9]*, "start_ns": \([0-9]*\).*/\1/p' first.json | head -n 1)
awk -v from="$(cut -d ' ' -f 2 first.want)" -v at="${start:-0}" 'BEGIN { exit !(at >= from && at < from + 1e8) }' ||
	wrong "the storm's beginning: phase $(cat first.want), saved $start"
grep -q "^saved $first" hook || wrong "--exec was not run: $(cat hook)"

hvstimer watch -q --ring 1M -o saved &
w=$!
sleep 2
kill -KILL $w
wait $w
same "instances of a killed run" 2 "$(ls $T/instances | wc -l)"
hvstimer watch -d 1 2>err
holds "the next one removes them" 'removed what a killed run' err
same "and its own" 0 "$(ls $T/instances | wc -l)"
rm -f first.json truth.jsonl
exit $bad
