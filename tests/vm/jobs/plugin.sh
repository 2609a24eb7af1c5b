# The host's own trace-cmd with the plugin: what it adds to the events.
dir=/usr/lib/x86_64-linux-gnu/traceevent/plugins
start_record -o p.dat
stimer-storm -q -o storm.jsonl constant-lag-now
end_record INT 0
trace-cmd report p.dat >with
trace-cmd report -N p.dat >without
ls $dir
grep -m 1 stimer_set_config with
grep -m 1 stimer_set_config without
holds "config decoded" 'stimer_set_config.*\[.*direct' with
grep -q 'stimer_set_config.*\[.*direct' without && wrong "without plugins the text is the same"
same "as many lines" "$(grep -c kvm_ without)" "$(grep -c kvm_ with)"
rm -f p.dat with without
exit $bad
