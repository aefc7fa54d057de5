#!/usr/bin/env bash
# Runs every fuzz target in turn under libFuzzer, in the background's priority, in one process.
#
#   scripts/fuzz.sh MINUTES [TARGET...]
#
# MINUTES are shared by the targets. Inputs that reach new code are kept in build-fuzz/corpus/TARGET for the next run,
# inputs that break a promise in build-fuzz/crashes/TARGET. Each run adds a line a target to build-fuzz/counts.csv.
# CHRONOS2_FUZZ_COMMIT is the commit that the build is of, where git can't tell.
# Status 1 if an input broke a promise.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$PWD/build-fuzz
minutes=${1:?usage: scripts/fuzz.sh MINUTES [TARGET...]}
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    targets+=("${name#fuzz_}")
  done
fi
commit=${CHRONOS2_FUZZ_COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}
counts=$build/counts.csv
[ -s "$counts" ] || echo "time,commit,target,seconds,executions,finds" >"$counts"
place=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" chronos2-fuzz.XXXXXX)
trap 'rm -rf "$place"' EXIT
export TMPDIR=$place
# A promise that is broken ends the process; a leak, 2 GB or 20 s for one input break one too.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1
share=$(awk -v m="$minutes" -v n=${#targets[@]} 'BEGIN { printf "%d", m * 60 / n + 0.999 }')
found=0

# longest INPUT of a target: short inputs are fast, and most faults need no long one.
longest() {
  case $1 in
    safetensors | config | from_csv) echo 4096 ;;
    csv | jsonl | serve | tasks) echo 1024 ;;
    arrow) echo 8192 ;;
    *) echo 512 ;;
  esac
}

# A compressed buffer of Arrow may claim any size: then there is no memory for it.
largest() {
  case $1 in
    arrow) echo 4194304 ;;
    *) echo 2048 ;;
  esac
}

for target in "${targets[@]}"; do
  mkdir -p "$build/corpus/$target" "$build/crashes/$target" "$build/log"
  before=$(find "$build/crashes/$target" -type f | wc -l)
  log=$build/log/$target.log
  : >"$log"
  began=$(date +%s)
  executions=0
  while left=$((began + share - $(date +%s))) && [ "$left" -gt 0 ]; do
    nice -n 15 "$build/fuzz_$target" -max_total_time="$left" -max_len="$(longest "$target")" -timeout=20 \
      -rss_limit_mb=2048 "-malloc_limit_mb=$(largest "$target")" -print_final_stats=1 -verbosity=1 \
      -artifact_prefix="$build/crashes/$target/" \
      "$build/corpus/$target" "tests/fuzz/corpus/$target" >"$log.part" 2>&1 </dev/null || true
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log.part" | tail -n 1)
    cat "$log.part" >>"$log"
    rm -f "$log.part"
    rm -rf "${place:?}"/*
    executions=$((executions + ${ran:-0}))
    [ -n "$ran" ] || break # it did not start
    [ "$(find "$build/crashes/$target" -type f | wc -l)" -lt $((before + 20)) ] || break
  done
  finds=$(($(find "$build/crashes/$target" -type f | wc -l) - before))
  [ "$finds" -eq 0 ] || found=1
  echo "$(date -u +%FT%TZ),$commit,$target,$(($(date +%s) - began)),$executions,$finds" >>"$counts"
  echo "fuzz: $target: $executions executions, $finds finds"
  [ "$executions" -gt 0 ] || { tail -n 5 "$log" >&2; found=1; }
done
exit $found
