# SIGINT, SIGTERM and SIGHUP end a recording; it holds the storm, nothing is lost, all is as it was.
state >before
for sig in INT TERM HUP; do
	start_record -o $sig.dat
	stimer-storm -q -o $sig.jsonl constant-lag-now || wrong "stimer-storm fails"
	end_record $sig 0
	hvstimer diagnose --json $sig.dat >$sig.json || wrong "diagnose fails"
	holds "storm found after SIG$sig" '"question": "storm", "answer": "yes"' $sig.json
	holds "nothing lost" '"lost_events": 0,' $sig.json
	state >after
	cmp before after || wrong "state after SIG$sig: $(diff before after)"
	[ "$(echo ./*.cpu*)" = './*.cpu*' ] || wrong "left behind: $(echo ./*.cpu*)"
	rm -f $sig.dat
done
# With a duration, ended early: nothing of it may go on.
start_record -d 500 -o long.dat
end_record TERM 0
[ -s long.dat ] || wrong "no recording after SIGTERM with -d"
ps | grep -v grep | grep 'sleep 500' && wrong "sleep is still there"
state >after
cmp before after || wrong "state: $(diff before after)"
rm -f long.dat
start_record -d 1 -o short.dat
wait $recorder
same "exit status of -d 1" 0 $?
[ -s short.dat ] || wrong "no recording of -d 1"
rm -f short.dat
exit $bad
