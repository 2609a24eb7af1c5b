# seconds: 3000
# What watch costs a guest: how often a guest that spins between ticks gets round its loop, and how many timers a guest
# in a storm sets, with nothing, with the counters, with the ring, with --diagnose; in turns, so that the emulator's
# moods meet all of them. cost.txt: "WAY LOOPS/S ARMS/S" a line, for tests/vm/cost.
REPEATS=4
mkdir saved

rate() { # FIELD PHASE: of truth.jsonl, a second
	sed -n 's/.*"type":"phase_\(start\|end\)","mono_ns":\([0-9]*\),.*"phase":'"$2"',.*/\1 \2 &/p' truth.jsonl |
		awk -v field="$1" '$1 == "start" { from = $2 } $1 == "end" { x = $0; sub(".*\"" field "\":\\[?", "", x); print (x + 0) * 1e9 / ($2 - from) }'
}

i=0
while [ $i -lt $REPEATS ]; do
	for way in nothing counters ring diagnose; do
		case $way in
		nothing) w= ;;
		counters) hvstimer watch -q >/dev/null & w=$! ;;
		ring) hvstimer watch -q --ring 8M -o saved >/dev/null & w=$! ;;
		diagnose) hvstimer watch -q --diagnose >/dev/null & w=$! ;;
		esac
		sleep 4
		stimer-storm -q -o truth.jsonl healthy || wrong "stimer-storm fails"
		loops=$(rate loops 1)
		stimer-storm -q -o truth.jsonl constant-lag-now || wrong "stimer-storm fails"
		slow truth.jsonl
		echo "$way $loops $(rate arms 1)" >>cost.txt
		[ -z "$w" ] || kill -TERM $w
		wait
		rm -rf saved/*
	done
	i=$((i + 1))
done
cat cost.txt
exit $bad
