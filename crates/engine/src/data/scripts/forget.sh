# Runs on the standby: removes a drill's pinned copy. Argument: drill.
drill=$1
case $drill in '' | *[!A-Za-z0-9_-]*) stop failed "not a drill's name" ;; esac
rm -rf "$state/drill-$drill" 2>/dev/null
[ ! -e "$state/drill-$drill" ] || stop failed "the drill's copy can't be removed"
say outcome ok
