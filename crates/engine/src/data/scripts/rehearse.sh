# Runs on the standby: pins the copy as it is after its last whole cycle, beside the live one, which
# goes on following. Files are shared as hard links where the disk allows. Arguments: workspace, drill.
workspace=$1 drill=$2
case $drill in '' | *[!A-Za-z0-9_-]*) stop failed "not a drill's name" ;; esac
pinned=$state/drill-$drill
end_with_channel
take_lock 540 wait
if [ ! -d "$pinned" ]; then
  [ -e "$state/interrupted" ] && stop interrupted "the last sync was cut off; the next one mends the copy"
  [ -d "$workspace" ] || stop failed "there is no copy yet"
  rm -rf "$state/pinning"
  if ! cp -al -- "$workspace" "$state/pinning" 2>"$state/pinning.errors"; then
    rm -rf "$state/pinning"
    cp -a -- "$workspace" "$state/pinning" 2>"$state/pinning.errors" || {
      words=$(flat <"$state/pinning.errors")
      rm -rf "$state/pinning"
      stop failed "the copy can't be pinned: $words"
    }
  fi
  sweep "$state/pinning"
  mv "$state/pinning" "$pinned" || stop failed "the copy can't be pinned"
fi
say source "$pinned"
count "$pinned"
say outcome ok
