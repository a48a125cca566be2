# Runs on the standby: makes a new GPU's workspace what the source folder here is. Nothing changes on
# this side. Arguments: source, workspace, "pin" with host, port, key, or "known" with host and port of
# a GPU that was pinned before; with "content" as the last argument files are compared by content, with
# "count" it is said first how much there is to send to a GPU that has nothing.
source=$1 workspace=$2
[ -d "$source" ] || stop failed "$source is not there"
case $3 in
  pin) pin restore "$4" "$5" "$6" && depth=${7-} ;;
  *)
    depth=${6-}
    grep -qxF "HostName $4" "$state/restore.conf" 2>/dev/null && grep -qxF "Port $5" "$state/restore.conf" ||
      stop untrusted "the standby does not know $4:$5"
    ;;
esac
end_with_channel
must_confine
if [ "$depth" = count ]; then
  find "$source" -type f -printf '%s\n' 2>/dev/null |
    awk '{ files += 1; bytes += $1 } END { printf "count_files=%.0f\ncount_bytes=%.0f\n", files, bytes }'
  say count ready
fi
root=$(quoted "$workspace")
errors=$state/restore.errors
# The target has never served: what its image brought along is not the user's and goes.
flags=(-a -s --no-D --numeric-ids --modify-window=-1 --no-h --timeout=120 --stats --info=progress2 --outbuf=L
  --delete-delay --partial
  -e "ssh -F $state/restore.conf" --rsync-path="mkdir -p $root && rsync")
[ "$depth" = content ] && flags+=(--checksum)
# The sender needs to write nowhere.
confined -- rsync "${flags[@]}" "$source/" "gpu:$workspace/" 2>"$errors"
status=$?
case $status in
  0 | 24) say outcome ok ;;
  *)
    say code "$status"
    stop failed "rsync ended with $status: $(flat <"$errors")"
    ;;
esac
