# Runs on the standby: from now on the copy follows this GPU and no other, in this epoch and no older
# one. Arguments: epoch, host, port, host key.
epoch=$1
refuse_stale
# The same again: nothing to change, so nothing to wait for.
if [ "$(recorded)" = "$epoch" ] && [ "$(cat "$state/trusted" 2>/dev/null)" = "$2 $3" ] &&
  [ "$(cat "$state/gpu.known" 2>/dev/null)" = "dumont-gpu $4" ]; then
  say outcome ok
  exit
fi
take_lock 0 kill
refuse_stale
record_epoch
rm -f "$state/trusted"
pin gpu "$2" "$3" "$4"
printf '%s %s\n' "$2" "$3" >"$state/trusted" || stop failed "the standby's disk is full"
say outcome ok
