# Runs on the standby: closes the copy to older epochs and to the GPU it followed, so that work can go
# on in it. Ends a cycle that is under way. Arguments: workspace, epoch.
workspace=$1 epoch=$2
refuse_stale
take_lock 0 kill
refuse_stale
record_epoch
rm -f "$state/trusted"
[ -d "$workspace" ] || mkdir -p -- "$workspace"
say interrupted "$(cat "$state/interrupted" 2>/dev/null)"
sweep "$workspace"
rm -f "$state/interrupted"
# None may have come in some other way, or before they were taken off: here work begins.
find "$workspace" -type f -perm /6000 -exec chmod ug-s {} + 2>/dev/null
say last "$(cat "$state/last" 2>/dev/null)"
count "$workspace"
say outcome ok
