# What user commands left running here: stopped in place, let go on, or ended. Argument: freeze, thaw
# or end. Prints how many processes it concerned.
marked() { grep -slzx 'DUMONT_JOB=1' /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3 | tr '\n' ' '; }
signal() {
  # shellcheck disable=SC2046
  kill "-$1" $(marked) 2>/dev/null
}
case $1 in
  freeze)
    # Again until no process was born between the look and the signal.
    before=none after=$(marked)
    while [ "$before" != "$after" ]; do
      signal STOP
      before=$after after=$(marked)
    done
    ;;
  thaw) signal CONT ;;
  end)
    after=$(marked)
    signal TERM
    signal CONT
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      [ -n "$(marked)" ] || break
      sleep 0.25
    done
    for _ in 1 2 3 4 5; do
      [ -n "$(marked)" ] || break
      signal KILL
      sleep 0.1
    done
    [ -z "$(marked)" ] || stop failed "processes of the user's command can't be ended"
    ;;
esac
: "${after=$(marked)}"
say processes "$(printf %s "$after" | wc -w)"
say outcome ok
