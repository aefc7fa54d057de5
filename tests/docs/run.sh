#!/usr/bin/env bash
# run.sh BINARY_DIR CC: runs the examples of README.md and docs, and compares what they print. In a page,
#   <!-- file NAME -->  the fenced block that follows is written to NAME;
#   <!-- run -->        the fenced block that follows holds commands behind "$ " and, below each, what it prints;
#   <!-- run c -->      the same, for commands that need the installed library: left out in a build that can't be linked.
# All blocks of a page share a fresh folder, in which `build`, `models` and `datasets` are those of the tree and
# `chronos2` is the program. Numbers may differ by a thousandth: they depend on the instruction set. A line "..." stands
# for any lines, the word "..." for the rest of a line. A command fails if what is shown holds "error: ", and only then.
# CC may be empty: then the blocks for C are left out.
set -euo pipefail
build=$1
cc=$2
tree=$(cd "$(dirname "$0")/../.." && pwd)
mapfile -t pages < <(cd "$tree" && grep -l '^<!-- run' README.md docs/*.md)
work=$build/docs-test
faults=0
commands=0
rm -rf "$work"
mkdir -p "$work"

if [ -n "$cc" ]; then
  home=$(mktemp -d) # without a blank, which the shell would take for the end of a word of pkg-config's
  trap 'rm -rf "$home"' EXIT
  prefix=$home/.local # as the pages say
  cmake --install "$build" --prefix "$prefix" >/dev/null
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name chronos2.pc)")
  export PKG_CONFIG_PATH
  # As the page says it, so that the programs start.
  eval "$(grep '^export LD_RUN_PATH=' "$tree/docs/c.md")"
fi
export PATH="$build:$PATH"
cc() { command "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror "$@"; }

# check PAGE LINE COMMAND: runs the command and compares it with the file `expected`.
check() {
  local status=0 fails=0
  commands=$((commands + 1))
  (eval "$3") >"$work/printed" 2>&1 </dev/null || status=$?
  if grep -q 'error: ' "$work/expected"; then fails=1; fi
  if [ $((status != 0)) -ne $fails ]; then
    echo "docs: $1:$2: status $status: $3"
    faults=$((faults + 1))
  fi
  if ! awk -f "$tree/tests/docs/compare.awk" "$work/expected" "$work/printed"; then
    echo "docs: $1:$2: $3"
    faults=$((faults + 1))
  fi
}

# run_block PAGE LINE <block: commands and what they print.
run_block() {
  local page=$1 number=$2 start=0 command='' line
  : >"$work/expected"
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    if [[ $command == *\\ ]]; then
      command=${command%\\}$line
    elif [[ $line == '$ '* ]]; then
      [ -z "$command" ] || check "$page" "$start" "$command"
      command=${line#'$ '}
      start=$number
      : >"$work/expected"
    else
      printf '%s\n' "$line" >>"$work/expected"
    fi
  done
  [ -z "$command" ] || check "$page" "$start" "$command"
}

for page in "${pages[@]}"; do
  folder=$work/$(basename "$page" .md)
  mkdir "$folder"
  ln -s "$build" "$folder/build"
  ln -s "$tree/models" "$tree/datasets" "$folder/"
  cd "$folder"
  number=0
  kind=
  inside=no
  blocks=0
  while IFS= read -r line; do
    number=$((number + 1))
    if [[ $line =~ ^'<!-- '(file|run)( (.*))?' -->'$ ]]; then
      kind=${BASH_REMATCH[1]}
      name=${BASH_REMATCH[3]}
    elif [[ $line == '```'* && $inside == yes ]]; then
      inside=no
      if [ "$kind" = file ]; then cp "$work/block" "$name"; fi
      if [ "$kind" = run ]; then
        blocks=$((blocks + 1))
        if [ "$name" != c ] || [ -n "$cc" ]; then
          HOME=${home:-$HOME} run_block "$page" "$first" <"$work/block"
        fi
      fi
      kind=
    elif [[ $line == '```'* && -n $kind ]]; then
      inside=yes
      first=$number
      : >"$work/block"
    elif [ "$inside" = yes ]; then
      printf '%s\n' "$line" >>"$work/block"
    fi
  done <"$tree/$page"
  [ "$blocks" -gt 0 ] || { echo "docs: $page: no example to run"; faults=$((faults + 1)); }
done
echo "docs: $commands commands of ${#pages[@]} pages"
[ "$commands" -gt 0 ] && [ "$faults" -eq 0 ]
