# Runs on the GPU: tells what changes in the workspace. Argument: the workspace.
# Prints records "<event> <path>" that end with NUL; "READY <how>" once from where on nothing is missed.
workspace=$1
end_with_channel
tell_ready() {
  local line
  while IFS= read -r line; do
    case $line in
      *'Watches established'*) printf 'READY inotify\0' ;;
      *) printf 'WORD %s\0' "$line" ;;
    esac
  done
}
nul() { stdbuf -o0 tr '\n' '\0'; }
if version=$(inotifywait --help 2>/dev/null | sed -n '1s/^inotifywait //p') && [ -n "$version" ]; then
  watch=(inotifywait -m -r -e close_write,create,delete,move,attrib)
  case $version in
    [0-2].* | 3.[0-9].* | 3.1[0-9]* | 3.20*) "${watch[@]}" --format '%e %w%f' -- "$workspace" 2> >(tell_ready) | nul ;;
    *) "${watch[@]}" --no-newline --format '%e %w%f%0' -- "$workspace" 2> >(tell_ready) ;;
  esac
fi
# No inotify here, or more folders than it may watch: look every two seconds at what is newer.
stamp=$(mktemp) next=$(mktemp) || exit 1
trap 'kill -KILL "$guard" 2>/dev/null; rm -f "$stamp" "$next"' EXIT
touch "$stamp"
printf 'READY scan\0'
while [ -d "$workspace" ]; do
  touch "$next"
  find "$workspace" -mindepth 1 ! -type d -cnewer "$stamp" -printf 'SCAN %p\0' 2>/dev/null
  cp -p "$next" "$stamp"
  sleep 2
done
