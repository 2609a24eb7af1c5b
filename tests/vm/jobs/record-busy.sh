# Somebody else's tracing is not disturbed, and is as it was after --force.
echo 1 >$T/events/sched/sched_wakeup/enable
echo 'pid==1' >$T/events/sched/sched_wakeup/filter
state >before
cat $T/events/sched/sched_wakeup/filter >>before
hvstimer record -d 1 -o x.dat >out 2>err
same "exit status" 3 $?
holds "said" "trace events are enabled" err
state >after
cat $T/events/sched/sched_wakeup/filter >>after
cmp before after || wrong "state: $(diff before after)"
hvstimer record --force -d 1 -o x.dat >out 2>err || wrong "--force: $(cat err)"
state >after
cat $T/events/sched/sched_wakeup/filter >>after
cmp before after || wrong "state after --force: $(diff before after)"
rm -f x.dat
echo 0 >$T/events/sched/sched_wakeup/filter
echo 0 >$T/events/enable
exit $bad
