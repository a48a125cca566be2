# Runs on the standby: gives the GPU again what it deleted and the copy still has, exactly what was seen
# when the copy was frozen. What is there on the GPU is not touched, whatever it is. Arguments: workspace,
# epoch, digest of the set, host, port.
workspace=$1 epoch=$2 digest=$3 host=$4 port=$5
refuse_stale
take_lock 15 kill
refuse_stale
[ "$(cat "$state/trusted" 2>/dev/null)" = "$host $port" ] || stop untrusted "the copy does not follow $host:$port"
# Of a list that dumont-agent left, it says what stands for it.
[ "$(set_digest "$state/held")" = "$digest" ] || [ "$(cat "$state/held.digest" 2>/dev/null)" = "$digest" ] || stop failed "the standby no longer has the list of these files; let it look again"
copy=$(realpath -e -- "$workspace") || stop failed "the workspace can't be found on the standby"
end_with_channel
must_confine
work=$state/work
mkdir -p "$work" || stop failed "the standby's disk is full"
# A slash before each, which is left out: a name that begins with "#" would be taken for a comment.
sed -z 's,^,/,' "$state/held" >"$work/wanted" || stop failed "the standby's disk is full"
root=$(quoted "$workspace")
flags=(-a -s --no-D --numeric-ids --modify-window=-1 --no-h --timeout=120 --stats --info=progress2 --outbuf=L
  --from0 --files-from="$work/wanted" --no-implied-dirs --ignore-existing
  -e "ssh -F $state/gpu.conf"
  --rsync-path="if test -d $root; then true; else echo dumont-no-source >&2; exit 66; fi; rsync")
# The sender needs to write nowhere.
confined -- rsync "${flags[@]}" "$copy/" "gpu:$workspace/" 2>"$work/errors"
status=$?
# 23: some of them went from the copy meanwhile, or could not be written there.
case $status in
  0 | 24) say outcome ok ;;
  *)
    grep -q dumont-no-source "$work/errors" && stop failed "the workspace is not there on the GPU"
    say code "$status"
    stop failed "rsync ended with $status: $(flat <"$work/errors")"
    ;;
esac
