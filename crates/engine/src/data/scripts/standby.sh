# Common ground of the scripts on a standby: the lock, the epoch, the way to the GPU.

# When a process began, as the kernel counts; tells two processes with one number apart.
began() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  printf %s "${20}"
}

# Kills the cycle that holds the lock, with all that it started.
kill_cycle() {
  local pid start
  { read -r pid start <"$state/cycle.pid"; } 2>/dev/null || return 0
  [ "$(began "$pid")" = "$start" ] || return 0
  kill -KILL -- "-$pid" 2>/dev/null
}

# Takes the lock under which the copy and its epoch change: waits $1 seconds for it, then, if $2 is
# "kill", ends the cycle that holds it.
take_lock() {
  local tries
  [ -d "$state" ] || stop unprepared "this standby is not prepared"
  exec 9>>"$state/lock"
  flock -n 9 && return
  flock -w "$1" 9 && return
  if [ "$2" = kill ]; then
    for tries in 1 2 3 4 5 6 7 8 9 10; do
      kill_cycle
      flock -w 1 9 && return
    done
  fi
  stop busy "something else works on the standby's copy"
}

recorded() {
  local epoch=
  { read -r epoch <"$state/epoch"; } 2>/dev/null
  case $epoch in
    '' | *[!0-9]*) printf %s -1 ;;
    *) printf %s "$epoch" ;;
  esac
}

refuse_stale() {
  local now
  now=$(recorded)
  [ "$epoch" -ge "$now" ] && return
  say recorded "$now"
  stop stale "the standby is at epoch $now"
}

record_epoch() {
  [ "$epoch" -gt "$(recorded)" ] || return 0
  printf '%s\n' "$epoch" >"$state/epoch.new" && sync "$state/epoch.new" && mv -f "$state/epoch.new" "$state/epoch" && sync "$state"
  [ "$(recorded)" = "$epoch" ] || stop failed "the epoch can't be recorded; is the disk full?"
}

# Writes how the SSH client reaches one host and the only key that it accepts there.
# Arguments: name of the files, host, port, key.
pin() {
  case $2 in '' | -* | *[!A-Za-z0-9.:-]*) stop failed "not a host: $2" ;; esac
  case $3 in '' | *[!0-9]*) stop failed "not a port: $3" ;; esac
  case $4 in '' | *[!A-Za-z0-9@.+/=\ -]*) stop failed "not a host key" ;; esac
  printf 'dumont-gpu %s\n' "$4" >"$state/$1.known.new"
  printf '%s\n' 'Host gpu' "HostName $2" "Port $3" 'User root' 'HostKeyAlias dumont-gpu' \
    "IdentityFile $state/id_ed25519" 'IdentitiesOnly yes' 'IdentityAgent none' \
    "UserKnownHostsFile $state/$1.known" 'GlobalKnownHostsFile /dev/null' 'StrictHostKeyChecking yes' \
    'UpdateHostKeys no' 'BatchMode yes' 'ConnectTimeout 10' 'ServerAliveInterval 4' 'ServerAliveCountMax 3' \
    'LogLevel ERROR' 'RequestTTY no' 'ForwardAgent no' >"$state/$1.conf.new"
  mv -f "$state/$1.known.new" "$state/$1.known" && mv -f "$state/$1.conf.new" "$state/$1.conf" ||
    stop failed "the way to the GPU can't be written; is the disk full?"
}

# Files and links, and their bytes, in a folder.
count() {
  find "$1" -mindepth 1 ! -type d -printf '%s\n' 2>/dev/null |
    awk '{ files += 1; bytes += $1 } END { printf "files=%.0f\nbytes=%.0f\n", files, bytes }'
}

# Keeps what a plan would delete, whole: paths that end with NUL, sorted by bytes, folders with a slash.
# Argument: the plan.
hold() {
  perl -ne 'if (/^\*deleting {3}(.*)$/) { $n = $1; $n =~ s/\\#([0-7]{3})/chr(oct($1))/ge; print "$n\0" }' "$1" |
    sort -z >"$state/held.new" && rm -f "$state/held.digest" && mv -f "$state/held.new" "$state/held"
}

# What stands for exactly the set in a file.
set_digest() { sha256sum 2>/dev/null <"$1" | cut -d ' ' -f 1; }

# Removes what a cycle that was cut off left beside the files it was about to replace, in a folder. The
# name of that is drawn for each cycle; before it was, it was one that anything may bear.
sweep() {
  local name=.dumont-partial
  if [ -e "$state/partial" ]; then
    { read -r name <"$state/partial"; } 2>/dev/null
    case $name in .dumont-?*[!0-9a-f]* | .dumont- | [!.]* | '') return ;; esac
    case ${name#.dumont-} in *[!0-9a-f]*) return ;; esac
  fi
  find "$1" -type d -name "$name" -prune -print0 2>/dev/null | xargs -0 -r rm -rf --
}

# Narrows what it runs to writing below the folders before "--", with Landlock: no other file is made,
# written or removed, however the path to it is led there. No device, socket or pipe can be made.
landlock='
  my $write = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8) | (1 << 12) | (1 << 13);
  my $abi = syscall(444, 0, 0, 1);
  $abi >= 2 or die "the kernel has no Landlock of version 2\n";
  $write |= 1 << 14 if $abi >= 3;
  my $handled = pack("Q", $write | (1 << 6) | (1 << 9) | (1 << 10) | (1 << 11));
  my $set = syscall(444, $handled, length $handled, 0);
  $set >= 0 or die "Landlock: $!\n";
  my $allow = sub {
    my ($folder, $what) = @_;
    sysopen(my $open, $folder, 0x210000) or die "$folder: $!\n";
    my $rule = pack("Ql", $what, fileno $open);
    syscall(445, $set, 1, $rule, 0) == 0 or die "Landlock: $folder: $!\n";
  };
  $allow->("/dev", 1 << 1);
  while (@ARGV) {
    my $folder = shift;
    last if $folder eq "--";
    $allow->($folder, $write);
  }
  syscall(446, $set, 0) == 0 or die "Landlock: $!\n";
  exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\n";
'

# Where a confined program finds the disk to write on. One mount holds all of it, so that renames
# between the folders stay renames.
disk=/run/disk

# Runs a program that talks with a GPU, so that nothing changes but what is below the folders before
# "--", whatever that program can be brought to do: all else is mounted read-only, sockets of the system
# are out of reach, and of what can be written only those folders may be. It finds them below $disk.
confined() {
  local folders=() mounts=()
  while [ "$1" != -- ]; do
    folders+=("$disk$1")
    shift
  done
  shift
  # Beside those folders, and beside each that leads to them, nothing is there to be reached.
  hide /
  bwrap --die-with-parent --unshare-pid --unshare-ipc --unshare-uts --cap-drop ALL \
    --cap-add CAP_CHOWN --cap-add CAP_DAC_OVERRIDE --cap-add CAP_FOWNER --cap-add CAP_FSETID \
    --ro-bind / / --tmpfs /proc --dev /dev --tmpfs /run \
    --ro-bind-try /run/systemd/resolve /run/systemd/resolve --ro-bind-try /run/resolvconf /run/resolvconf \
    --ro-bind-try /run/NetworkManager /run/NetworkManager \
    --bind / "$disk" "${mounts[@]}" --chdir / perl -e "$landlock" -- "${folders[@]}" -- "$@"
}

# Adds to mounts what hides all in a folder but folders and what leads to them.
hide() {
  local entry folder leads
  for entry in "${1%/}"/* "${1%/}"/.[!.]*; do
    [ -e "$entry" ] && [ ! -L "$entry" ] || continue
    leads=no
    for folder in "${folders[@]}"; do
      case $folder in
        "$disk$entry") leads=here ;;
        "$disk$entry/"*) [ "$leads" = here ] || leads=below ;;
      esac
    done
    case $leads in
      here) ;;
      below) hide "$entry" ;;
      *) if [ -d "$entry" ]; then mounts+=(--tmpfs "$disk$entry"); else mounts+=(--ro-bind-try "$entry" "$disk$entry"); fi ;;
    esac
  done
}

# Ends here when programs that talk with a GPU can't be confined: nothing is copied without.
must_confine() {
  local words
  command -v bwrap >/dev/null || stop unprepared "the standby lacks bubblewrap, and nothing is copied from a GPU without it"
  words=$(confined "$state" -- true 2>&1 </dev/null) ||
    stop unprepared "the standby can't confine what talks with a GPU, so nothing is copied: $(printf %s "$words" | flat)"
}
