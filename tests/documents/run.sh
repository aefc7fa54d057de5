#!/usr/bin/env bash
# run.sh PROGRAM FOLDER: every option of every help text is in the manual page and in the completion of bash, zsh and
# fish; the pages are clean; the completion of bash, and of the other shells where they are installed, answers.
set -euo pipefail
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
folder=$(cd "$2" && pwd)
faults=0
fault() {
  echo "documents: $1"
  faults=$((faults + 1))
}

# has FILE PATTERN: for a fixed text.
has() { grep -qF -- "$2" "$1"; }

mapfile -t commands < <("$program" --help | sed -nE 's/^  ([a-z]+) +.*/\1/p')
[ ${#commands[@]} -ge 7 ] || fault "the program's help names ${#commands[@]} commands"
options=0
for command in "${commands[@]}"; do
  page=$folder/chronos2-$command.1
  has "$folder/chronos2.1" "chronos2\\-$command (1)" || fault "chronos2.1 does not name $command"
  sed -n "/^    $command)/,/^      ;;/p" "$folder/chronos2.bash" >"$folder/test-bash"
  sed -n "/^    $command)/,/^      ;;/p" "$folder/_chronos2" >"$folder/test-zsh"
  grep "seen_subcommand_from $command'" "$folder/chronos2.fish" >"$folder/test-fish"
  while IFS= read -r option; do
    options=$((options + 1))
    has "$page" "\\fB\\-\\-${option//-/\\-}\\fR" || fault "$page: --$option is missing"
    grep -qE -- "--$option[ ']" "$folder/test-bash" || fault "bash: $command --$option is missing"
    grep -qE -- "--$option[=[,}]" "$folder/test-zsh" || fault "zsh: $command --$option is missing"
    grep -qE -- "-l $option " "$folder/test-fish" || fault "fish: $command --$option is missing"
  done < <("$program" "$command" --help | sed -nE 's/^  (-.,|   ) --([A-Za-z-]+).*/\2/p')
done
rm -f "$folder"/test-*
[ "$options" -ge 100 ] || fault "the help texts list $options options"

# ask WORD... prints what bash would offer for the last word.
ask() {
  bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _chronos2; printf "%s " "${COMPREPLY[@]}"' - \
    "$folder/chronos2.bash" "$@"
}
expect() { [ "$1" = "$2 " ] || fault "bash: expected '$2', found '$1'"; }
expect "$(ask chronos2 fo)" "forecast forward"
expect "$(ask chronos2 forecast --quan)" "--quantile-levels"
expect "$(ask chronos2 forecast --attention windowed_future_g)" "windowed_future_global"
expect "$(ask chronos2 forecast --dtype = b)" "bf16"
expect "$(ask chronos2 forecast --dtype =)" "fp32 bf16 int8"
expect "$(ask chronos2 forecast --horizon '')" ""
expect "$(cd "$folder" && ask chronos2 forecast _chro)" "_chronos2"
expect "$(cd "$folder/.." && ask chronos2 forecast -m docu)" "documents"
expect "$(ask chronos2 study '')" ""
if command -v fish >/dev/null; then
  answer=$(fish -c "source '$folder/chronos2.fish'; complete -C 'chronos2 forecast --dtype b'" | cut -f 1)
  [ "$answer" = bf16 ] || fault "fish: expected 'bf16', found '$answer'"
fi
if command -v zsh >/dev/null; then zsh -n "$folder/_chronos2" || fault "zsh: the script can't be read"; fi

checked=no
for page in "$folder"/chronos2*.1; do
  if command -v mandoc >/dev/null; then
    checked=mandoc
    lint=$(mandoc -T lint -W warning "$page" 2>&1) || fault "$lint"
  elif command -v groff >/dev/null; then
    checked=groff
    lint=$(groff -man -ww -z -T utf8 "$page" 2>&1)
    [ -z "$lint" ] || fault "$lint"
  fi
done
echo "documents: $options options in ${#commands[@]} commands; pages checked by: $checked"
[ "$faults" -eq 0 ] || exit 1
[ "$checked" != no ] || exit 77
