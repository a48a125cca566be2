# Runs on the standby: one sync of the copy from the GPU. First a dry run, whose figures are printed;
# then a word is awaited. With "go <most deletions>" the sync is made; with "go <most deletions> exactly"
# it deletes nothing but what was accepted, whatever else went. With "list" the deletions are told by
# name and nothing is changed. Arguments: workspace, epoch, cycle, host, port, and the digest of deletions
# that were accepted, where some were.
workspace=$1 epoch=$2 cycle=$3 host=$4 port=$5 accepted=${6-}
case $cycle in '' | *[!A-Za-z0-9-]*) stop failed "not a cycle's name" ;; esac
refuse_stale
take_lock 15 kill
printf '%s %s\n' "$$" "$(began "$$")" >"$state/cycle.pid"
refuse_stale
[ "$(cat "$state/trusted" 2>/dev/null)" = "$host $port" ] || stop untrusted "the copy does not follow $host:$port"
[ -d "$workspace" ] || mkdir -p -- "$workspace" || stop failed "the workspace can't be made on the standby"

work=$state/work
versions=$state/versions/$epoch-$cycle
rm -rf "$state/incoming"
mkdir -p "$work" "$state/versions" "$state/incoming" || stop failed "the standby's disk is full"
must_confine
# What the cycle before left, whether it was cut off or not.
sweep "$workspace"
# Not known to the GPU before the cycle begins; a name that was known could be there already, as a link.
partial=.dumont-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
[ "${#partial}" -eq 40 ] || stop failed "no name can be drawn"
printf '%s\n' "$partial" >"$state/partial" || stop failed "the standby's disk is full"
root=$(quoted "$workspace")
# Links on the way to it are resolved here, since they lead out of what may be written.
copy=$(realpath -e -- "$workspace") || stop failed "the workspace can't be found on the standby"
# A file that is rewritten within a second keeps its size and its second: times are compared to the
# nanosecond. Files come in outside the copy, wait beside the old ones and take their places at the
# end, each by a rename: no file is ever half there, and none is written in place. Where they wait is
# excluded as a folder and as anything else.
# A program that runs with the rights of its owner, who is root here, was made so by the GPU: files
# lose that on the way in.
flags=(-a -s --no-D --chmod=Fug-s --numeric-ids --modify-window=-1 --no-h --timeout=120 --stats
  --exclude="$partial" --delay-updates --partial-dir="$partial" --temp-dir="$disk$state/incoming"
  -e "ssh -F $state/gpu.conf"
  --rsync-path="if test -d $root; then true; else echo dumont-no-source >&2; exit 66; fi; rsync")

# Only a good end and "some files vanished" count as whole; the latter were deleted meanwhile.
judge() {
  case $1 in 0 | 24) return ;; esac
  grep -q dumont-no-source "$work/errors" && stop source_missing "the workspace is not there on the GPU"
  say code "$1"
  stop failed "rsync ended with $1: $(flat <"$work/errors")"
}

# A drill's copy shares unchanged files with this one. Contents are safe, since rsync replaces files;
# a change of rights alone would show through, so such a file is given a copy of its own first.
unshare() {
  perl -ne 'if (/^\.f\S* (.*)$/) { $n = $1; $n =~ s/\\#([0-7]{3})/chr(oct($1))/ge; print "$n\0" }' "$work/plan" |
    while IFS= read -r -d '' name; do
      file=$workspace/$name
      [ "$(stat -c %h -- "$file" 2>/dev/null || echo 1)" -gt 1 ] || continue
      cp -p -- "$file" "$work/own" && mv -f -- "$work/own" "$file"
    done
}

# Keeps the past within bounds: 14 days, 2,000 cycles, a tenth of the disk left free.
prune() {
  local size free count oldest
  cd "$state/versions" || return
  find . -mindepth 1 -maxdepth 1 -mtime +14 -exec rm -rf {} +
  count=$(ls | wc -l)
  [ "$count" -le 2000 ] || ls -tr | head -n "$((count - 2000))" | xargs -r rm -rf
  while read -r size free < <(df -k --output=size,avail . | tail -n 1) && [ "$((free * 10))" -lt "$size" ]; do
    oldest=$(ls -tr | head -n 1)
    [ -n "$oldest" ] || return
    rm -rf "./$oldest"
  done
}

# The receiver, which makes the list of changes itself, against what is on this disk.
pull() { confined "$copy" "$state/incoming" "$state/versions" -- rsync "${flags[@]}" "$@" "gpu:$workspace/" "$disk$copy/" 2>"$work/errors"; }
lines() { grep -acE "$1" "$work/plan"; }
drills=("$state"/drill-*/)
# Kept beside, since each look writes its own list; and until it is used, however often this is cut off.
if [ -n "$accepted" ] && [ "$(set_digest "$state/accepted")" != "$accepted" ]; then
  cp -f "$state/held" "$state/accepted" 2>/dev/null
  [ "$(set_digest "$state/accepted")" = "$accepted" ] || accepted=
fi
pull -n --delete --out-format='%i %n' >"$work/plan"
judge $?
grep -aE '^(Number of|Total (transferred )?file size)' "$work/plan"
changes=$(lines '^[.<>ch*][^ ]* ')
say changes "$changes"
# What the tripwire judges by is counted here: the GPU's own figures may be absent or untrue.
say deletes "$(lines '^\*deleting .*[^/]$')"
say deletes_folders "$(lines '^\*deleting .*/$')"
say creates "$(lines '^[<>ch.][fLSD][+]{9} ')"
if grep -aq '^\*deleting ' "$work/plan"; then
  count "$workspace" | sed 's/^/here_/'
  hold "$work/plan" && say deletes_digest "$(set_digest "$state/held")"
  [ -z "$accepted" ] || say deletes_beyond "$(comm -z -23 "$state/held" "$state/accepted" | tr -dc '\0' | wc -c)"
fi
say plan ready

# The deletions by name, 200 at most, each as its size and its path in hexadecimal; first the bytes of all.
list_held() {
  perl -0 -e '
    my ($root, $all, @lines) = (shift, 0);
    while (<STDIN>) {
      chomp;
      my $size = m{/\z} ? "" : (lstat "$root/$_")[7] // "";
      $all += $size if $size ne "";
      push @lines, "held=$size " . unpack("H*", $_) . "\n" if @lines < 200 && length $_ < 1900;
    }
    print "held_bytes=$all\n", @lines;
  ' "$workspace" <"$state/held"
}

# Rules by which nothing is deleted but what was accepted: each file by its name, each folder with all in it.
risk() {
  perl -0 -ne '
    chomp;
    next if defined $folder && index($_, $folder) == 0;
    my $wild = s{/\z}{} ? do { $folder = "$_/"; "/***" } : "";
    s/([\\*?[])/\\$1/g if $wild || /[*?[]/;
    print "R /$_$wild\0";
    END { print "P *\0" }
  ' "$state/accepted" >"$state/rules"
}

if [ "$changes" -gt 0 ]; then
  IFS=' ' read -r -u 3 word limit exactly || exit 0
  if [ "$word" = list ]; then
    end_with_channel
    list_held
    stop held "nothing was changed"
  fi
  [ "$word" = go ] || exit 0
  case $limit in '' | *[!0-9]*) exit 0 ;; esac
  end_with_channel
  only=()
  if [ "$exactly" = exactly ]; then
    [ -n "$accepted" ] || exit 0
    risk || stop failed "the standby's disk is full"
    only=(--from0 --filter=". $state/rules")
  fi
  [ ! -d "${drills[0]}" ] || unshare
  printf '%s-%s\n' "$epoch" "$cycle" >"$state/interrupted" || stop failed "the standby's disk is full"
  pull "${only[@]}" --delete-delay --max-delete="$limit" --backup --backup-dir="$disk$versions" --info=progress2 --outbuf=L
  judge $?
  rm -f "$state/interrupted"
  prune
fi
printf '%s-%s\n' "$epoch" "$cycle" >"$state/last"
[ -d "$versions" ] && say versions "$versions"
say outcome ok
