# Runs on the standby: fetches from a GPU that was left what the copy here does not have, into a folder of
# its own; the copy is not changed. Again goes on where it was cut off. Arguments: workspace, failover,
# host, port, host key.
workspace=$1 failover=$2
case $failover in '' | *[!A-Za-z0-9-]*) stop failed "not a failover's name" ;; esac
late=$state/late/$failover
root=$(quoted "$workspace")
[ -d "$state" ] || stop unprepared "this standby is not prepared"
copy=$(realpath -e -- "$workspace") || stop failed "the workspace can't be found on the standby"
mkdir -p "$late/files" "$late/incoming" || stop failed "the standby's disk is full"
end_with_channel
must_confine
pin late "$3" "$4" "$5"
errors=$late/errors
# What is the same here by size and time is left out, and folders without anything in them.
flags=(-a -s -m --no-D --chmod=Fug-s --numeric-ids --modify-window=-1 --no-h --timeout=60 --stats --exclude='.dumont-*'
  --compare-dest="$copy" --temp-dir="$disk$late/incoming" -e "ssh -F $state/late.conf"
  --rsync-path="if test -d $root; then true; else echo dumont-no-source >&2; exit 66; fi; rsync")
fetch() { confined "$late/files" "$late/incoming" -- rsync "${flags[@]}" "$@" "gpu:$workspace/" "$disk$late/files/" 2>"$errors"; }
judge() {
  case $1 in 0 | 24) return ;; esac
  grep -q dumont-no-source "$errors" && stop source_missing "the workspace is not there on the GPU"
  stop failed "rsync ended with $1: $(flat <"$errors")"
}
# A tenth of the disk, and not more than 2 GB, stays free for the epoch and the work here.
figures=$(fetch -n)
judge $?
bytes=$(printf '%s\n' "$figures" | sed -n 's/^Total transferred file size: \([0-9]*\).*/\1/p')
case $bytes in '' | *[!0-9]*) stop failed "the GPU's answer lacks the bytes" ;; esac
read -r size free < <(df -B1 --output=size,avail "$late" | tail -n 1)
spare=$((size / 10))
[ "$spare" -le 2000000000 ] || spare=2000000000
[ "$((free - bytes))" -gt "$spare" ] || stop failed "$bytes bytes do not fit on the standby's disk"
fetch >/dev/null
judge $?
rm -rf "$late/incoming"
count "$late/files"
say path "$late/files"
say outcome ok
