# An output that cannot be written is found before anything is changed; a full disk keeps what was recorded.
state >before
mkdir read-only full
mount -t tmpfs -o ro none read-only
for out in no/such/directory/x.dat read-only/x.dat full; do
	hvstimer record -d 1 -o $out >out 2>err
	same "exit status of -o $out" 3 $?
	holds "it is named" "$out" err
	state >after
	cmp before after || wrong "state after -o $out: $(diff before after)"
done
echo old >there.dat
hvstimer record -d 1 -o there.dat >out 2>err || wrong "recording over a file"
holds "said" "will be overwritten" err
rm -f there.dat

mount -t tmpfs -o size=6m none full
start_record -o full/x.dat
i=0
while [ "$(df -k full | awk 'END { print $4 }')" != 0 ] && [ $i -lt 10 ]; do
	stimer-storm -q -o storm.jsonl constant-lag-now
	i=$((i + 1))
done
kill -INT $recorder
wait $recorder
echo "full disk after $i storms: exit $?: $(cat err)"
ls -la full
state >after
cmp before after || wrong "state after a full disk: $(diff before after)"
saved=$(sed -n 's/.*what was recorded until then is in //p' err)
[ -s "$saved" ] || wrong "nothing is saved: $(cat err)"
hvstimer diagnose "$saved" >diagnosis || wrong "what was saved cannot be read"
head -n 5 diagnosis
[ "$(echo full/*)" = 'full/*' ] || wrong "left behind: $(echo full/*)"
umount full
exit $bad
