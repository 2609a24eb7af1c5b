# seconds: 900
# Ten storms at random times, among healthy ticks and past-due arms that harm nobody (ticks of a clock that jumps, or
# runs fast): each is found within two seconds, none is found where there is none, and what is saved holds a storm's
# beginning. Missed ticks that a guest replays may be found or not: they are many, but quickly done. A storm that begins
# while the one before has not ended belongs to it. LATE as in watch.sh.
LATE=1500000000
mkdir saved
hvstimer watch --jsonl --ring 8M -o saved >out 2>err &
w=$!
i=0
while ! grep -qs counting err && [ $i -lt 100 ]; do
	i=$((i + 1))
	sleep 0.1
done
: >truths.jsonl
storms=0 seed=100
while [ $storms -lt 10 ] && [ $seed -lt 140 ]; do
	seed=$((seed + 1))
	s=$(awk -v s=$seed 'BEGIN { srand(s); rand(); n = split("constant-lag constant-lag-now raw-tsc message-lag \
		stale-page start-apart clock-jump fast-clock held", name); print name[1 + int(n * rand())] }')
	stimer-storm -q -o truth.jsonl $s || wrong "stimer-storm $s fails"
	slow truth.jsonl
	cat truth.jsonl >>truths.jsonl
	# TID NS of what must be found, and of what may
	phases='s/.*"type":"phase_start","mono_ns":\([0-9]*\),.*"tid":\([0-9]*\),.*"expect_storm":true,"expect_kinds":'
	sed -n "$phases"'\["constant"\].*/\2 \1/p' truths.jsonl >must
	sed -n "$phases"'.*/\2 \1/p' truths.jsonl >may
	storms=$(wc -l <must)
	sleep "$(awk -v s=$seed 'BEGIN { srand(s); print 0.2 + 3 * rand() }')"
done
sleep 4
kill -TERM $w
wait $w
same "exit status" 0 $?
# TID SINCE UNTIL of each report; of the end of each storm
report='s/.*"event": "EVENT",.*"tid": \([0-9]*\),.*"since_ns": \([0-9]*\), "until_ns": \([0-9]*\),.*/\1 \2 \3/p'
sed -n "$(echo "$report" | sed s/EVENT/storm/)" out >told
sed -n "$(echo "$report" | sed s/EVENT/storm_end/)" out >ended
echo "$storms storms, $(wc -l <may) with replays, in $((seed - 100)) guests; $(wc -l <told) reported"
[ $storms -ge 10 ] || wrong "too few storms: $storms"
while read -r tid ns; do
	awk -v tid=$tid -v ns=$ns -v late=$LATE '$1 == tid && $3 >= ns && $3 <= ns + 2e9 + late { ok = 1 } END { exit !ok }' told ||
		awk -v tid=$tid -v ns=$ns '$1 == tid && $2 < ns && $3 + 3e9 >= ns { ok = 1 } END { exit !ok }' ended ||
		wrong "not found in time: tid $tid, phase $ns, told $(grep "^$tid " told ended)"
done <must
while read -r tid since until; do
	awk -v tid=$tid -v at=$until '$1 == tid && $2 <= at { ok = 1 } END { exit !ok }' may ||
		wrong "reported without one: tid $tid, $since to $until"
done <told
ls saved/*.dat | head -n 2 >files
[ -s files ] || wrong "nothing was saved"
while read -r file; do
	hvstimer diagnose --json $file >d.json || wrong "$file cannot be read"
	grep -o '"tid": [0-9]*, "timer": [0-9]*, "start_ns": [0-9]*' d.json | tr -d ',' | awk '{ print $2, $6 }' >starts
	awk 'NR == FNR { from[NR] = $0; n = NR; next }
		{ for (i = 1; i <= n; i++) { split(from[i], a); if (a[1] == $1 && $2 >= a[2] && $2 < a[2] + 3e8) ok = 1 } }
		END { exit !ok }' may starts || wrong "$file has no storm's beginning: $(cat starts)"
done <files
echo "$(ls saved | wc -l) saved"
rm -rf saved d.json
exit $bad
