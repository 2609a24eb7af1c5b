# watch --diagnose tells of a storm while it goes on, with its kind and what set it off; its last report has what
# the guest did; the storm is saved from its beginning and --exec run; SIGKILL leaves an instance, the next run removes it.
state >before
mkdir saved
hvstimer watch --diagnose --jsonl --check --ring 8M -o saved --exec 'echo "$HVSTIMER_EVENT $HVSTIMER_FILE" >>hook' >out 2>err &
w=$!
i=0
while ! grep -qs diagnosing err && [ $i -lt 200 ]; do
	i=$((i + 1))
	sleep 0.1
done
stimer-storm -q -o truth.jsonl constant-lag || wrong "stimer-storm fails"
slow truth.jsonl
sleep 3
same "instances" 1 "$(ls $T/instances | wc -l)"
kill -INT $w
wait $w
same "exit status of --check" 1 $?
state >after
cmp before after || wrong "state: $(diff before after)"
grep '"event": "storm' out | cut -c 1-700
grep '"event": "finding"' out | cut -c 1-300
same "storms told of" 1 "$(grep -c '"event": "storm",' out)"
same "storms that ended" 1 "$(grep -c '"event": "storm\(_end\)\?",.*"open": false' out)"
holds "kind" '"event": "storm.*"kind": "constant"' out
tail -n 1 out >report
holds "the report" '"question": "guest_clocksource_switch", "answer": "yes"' report
holds "nothing is lost" '"lost_events": 0,' report
grep -q '"event": "lost"' out && wrong "lost events: $(grep '"event": "lost"' out)"
arms=$(sed -n 's/.*"phase_end".*"phase":1,.*"arms":\[\([0-9]*\),.*/\1/p' truth.jsonl)
got=$(sed -n 's/.*"storms": \[{[^]]*"past_due": \([0-9]*\),.*/\1/p' report)
awk -v want="${arms:-0}" -v got="${got:-0}" 'BEGIN { d = want - got; exit !(d >= -want / 50 - 5 && d <= want / 50 + 5) }' ||
	wrong "past-due arms: the guest made $arms, the report has $got"
file=$(echo saved/*.dat)
grep -q "^saved $file" hook || wrong "--exec was not run: $(cat hook)"
hvstimer diagnose --json "$file" >saved.json || wrong "what was saved cannot be read"
storm() { # the thread and the beginning of the first storm in $1
	sed -n 's/.*"tid": \([0-9]*\), "timer": [0-9]*, "start_ns": \([0-9]*\).*/\1 \2/p' "$1" | head -n 1
}
grep '"event": "storm",' out >first
same "the storm's beginning is in what was saved" "$(storm first)" "$(storm saved.json)"
rm -rf saved
hvstimer watch --diagnose -q >/dev/null &
w=$!
sleep 3
kill -KILL $w
wait $w
same "instance of a killed run" 1 "$(ls $T/instances | wc -l)"
hvstimer watch --diagnose -d 1 >out2 2>err
holds "the next one removes it" 'removed what a killed run' err
same "and its own" 0 "$(ls $T/instances | wc -l)"
exit $bad
