# Whether a command was begun on this host. Argument: its name. Prints begun=now where it was since the host
# started, begun=before where it was in an earlier start, else begun=never.
start=$(cat /proc/sys/kernel/random/boot_id)-$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)
begun=never
for place in "$state/begun" /run/dumont-begun /dev/shm/dumont-begun; do
  for claim in "$place/$1"-*; do
    [ -d "$claim" ] || continue
    case $claim in
      *"-$start") begun=now ;;
      *) [ "$begun" = now ] || begun=before ;;
    esac
  done
done
say begun "$begun"
say outcome ok
