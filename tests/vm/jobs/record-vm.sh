# --vm keeps one of two VMs; a VM that is killed leaves a recording that reads well.
tids() {
	sed -n 's/.*"tids":\[\(.*\)\].*/\1/p' "$1"
}

stimer-storm -q -o other.jsonl --seed 1 random &
stimer-storm -q -o storm.jsonl --seed 2 random &
pid=$!
sleep 0.5
start_record --sched --vm $pid -o vm.dat
wait $pid
end_record INT 0
hvstimer diagnose --json vm.dat >vm.json || wrong "diagnose fails"
same "vCPUs" "$(tids storm.jsonl)" "$(sed -n '/"vms"/,/^ \],/s/.*"tid": \([0-9]*\).*/\1/p' vm.json)"
wait
start_record -o all.dat
stimer-storm -q -o killed.jsonl healthy &
victim=$!
sleep 3
kill -9 $victim
end_record INT 0
hvstimer diagnose --json all.dat >all.json || wrong "diagnose of a killed VM fails"
holds "nothing lost" '"lost_events": 0,' all.json
rm -f vm.dat all.dat
exit $bad
