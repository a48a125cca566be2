# shellcheck shell=bash
# Counts of test programs. Sourced by the suites in scripts/test.d; each writes lines of
# "suite passed failed" to $RESULTS/counts.

# build_tests [CRATE]: builds every Rust test, or those of one crate, and with them the
# programs that they start. Writes "crate target program folder" for each to
# $RESULTS/programs.
build_tests() {
  local which=(--workspace --exclude frontend)
  if (($# > 0)); then which=(--package "$1"); fi
  cargo test --locked "${which[@]}" --no-run --message-format=json-render-diagnostics \
    >"$RESULTS/artifacts.json"
  jq --raw-output '
    select(.reason == "compiler-artifact" and .profile.test and .executable)
    | [(.manifest_path | split("/")[-2]), .target.name, .executable, (.manifest_path | rtrimstr("/Cargo.toml"))]
    | @tsv' "$RESULTS/artifacts.json" | sort >"$RESULTS/programs"
}

# tally FILE: "passed failed" of every result line in a test program's output.
tally() { sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed;.*/\1 \2/p' "$1" | awk '{ p += $1; f += $2; n++ } END { if (n) print p, f }'; }

# record SUITE TARGET LOG CODE BEGAN: counts and shows a test program that has ended.
record() {
  local suite="$1" target="$2" log="$3" code="$4" began="$5" counts
  counts="$(tally "$log")"
  if [[ -z "$counts" ]]; then
    counts="0 1" # it ended without a result: crashed, or not in time
  elif ((code != 0)) && [[ "$counts" == *" 0" ]]; then
    counts="${counts% *} 1"
  fi
  printf '    %-10s %-24s %4d passed %3d failed %5d s\n' "$suite" "$target" "${counts% *}" "${counts#* }" "$(($(now) - began))"
  echo "$suite $counts" >>"$RESULTS/counts"
  ((code == 0)) || failure "$log"
}

# failure LOG: what a test program says of its failures, from their first line on; else its end.
failure() {
  if grep -aqx 'failures:' "$1"; then
    sed -n '/^failures:$/,$p' "$1" | cut -c1-2000 | head -n 300
  else
    tail -n 80 "$1"
  fi
}

# run_program CRATE TARGET PROGRAM FOLDER [ARGUMENT…]: one test program, with a deadline.
run_program() {
  local crate="$1" target="$2" program="$3" folder="$4" began code=0 log
  shift 4
  log="$RESULTS/$crate.$target.log"
  began="$(now)"
  # As cargo test does: the crate's folder, and its path in the environment. Without backtraces:
  # they are longer than what the test says.
  (cd "$folder" && RUST_BACKTRACE=0 CARGO_MANIFEST_DIR="$folder" timeout --kill-after=10 1200 "$program" "$@") >"$log" 2>&1 </dev/null || code=$?
  record "$crate" "$target" "$log" "$code" "$began"
}
