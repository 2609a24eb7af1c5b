# The first commands of README.md, in its order, but for browse, which wants a terminal.
start_record -d 25 -o trace.dat
stimer-storm constant-lag >storm.jsonl || wrong "stimer-storm fails"
wait $recorder
same "exit status of hvstimer record" 0 $?
hvstimer diagnose trace.dat >diagnosis || wrong "diagnose fails"
cat diagnosis
holds "the storm" "TIMER STORM" diagnosis
for command in storms skew clocks; do
	hvstimer $command trace.dat >$command || wrong "$command fails"
	[ -s $command ] || wrong "$command prints nothing"
done
hvstimer diagnose --html report.html trace.dat >/dev/null || wrong "diagnose --html fails"
[ -s report.html ] || wrong "no report"
rm -f trace.dat report.html
exit $bad
