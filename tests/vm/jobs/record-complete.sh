# What hvstimer record keeps, against an instance with all of KVM's events: no event of a timer is missing.
mkdir $T/instances/all
echo mono >$T/instances/all/trace_clock
echo 30000 >$T/instances/all/buffer_size_kb
start_record -o some.dat
echo 1 >$T/instances/all/events/kvm/enable
stimer-storm -q -o storm.jsonl constant-lag-now
echo 0 >$T/instances/all/events/kvm/enable
end_record INT 0
cat $T/instances/all/trace >all.txt
rmdir $T/instances/all
trace-cmd report some.dat >some.txt
for e in kvm_hv_stimer_set_count kvm_hv_stimer_start_one_shot kvm_hv_stimer_callback kvm_hv_stimer_expiration \
	kvm_write_tsc_offset kvm_update_master_clock; do
	want=$(grep -c " $e:" all.txt) got=$(grep -c " $e:" some.txt)
	echo "$e: $got of $want"
	same "$e" "$want" "$got"
done
grep -q LOST all.txt && wrong "the instance lost events"
rm -f all.txt some.txt some.dat
exit $bad
