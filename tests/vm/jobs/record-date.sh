# --date: the times of the recording are those of the wall clock, and nothing else changes.
state >before
start=$(date +%s)
start_record --date -o dated.dat
stimer-storm -q -o storm.jsonl constant-lag-now
end_record INT 0
end=$(date +%s)
state >after
cmp before after || wrong "state afterwards: $(diff before after)"
hvstimer diagnose --json dated.dat >dated.json 2>err || wrong "diagnose fails: $(cat err)"
holds "nothing lost" '"lost_events": 0,' dated.json
holds "a storm" '"kind": "constant",' dated.json
for end_of in first last; do
	utc=$(sed -n "s/.*\"${end_of}_utc_ns\": \([0-9]*\)[0-9]\{9\},.*/\1/p" dated.json)
	echo "$end_of: $utc of $start to $end"
	[ -n "$utc" ] && [ "$utc" -ge "$start" ] && [ "$utc" -le "$end" ] || wrong "$end_of event: at $utc"
done
rm -f dated.dat
exit $bad
