# A signal while recording is being set up undoes it.
state >before
for wait in 0.05 0.2 0.5 1 2 3; do
	rm -f err
	hvstimer record -o early.dat >out 2>err &
	recorder=$!
	sleep $wait
	grep -qs 'record: recording' err && began=1 || began=0
	kill -TERM $recorder
	wait $recorder
	rc=$?
	echo "after $wait s: exit $rc, began $began: $(tail -n 1 err)"
	if [ $rc != 0 ]; then
		# Before hvstimer has come to anything, SIGTERM just ends it.
		[ $rc = 143 ] || holds "said" "nothing is recorded" err
		[ ! -e early.dat ] || wrong "a file after $wait s"
	fi
	[ "$(echo ./*.cpu*)" = './*.cpu*' ] || wrong "left behind: $(echo ./*.cpu*)"
	state >after
	cmp before after || wrong "state after $wait s: $(diff before after)"
	rm -f early.dat
done
start_record -o next.dat
end_record INT 0
rm -f next.dat
exit $bad
