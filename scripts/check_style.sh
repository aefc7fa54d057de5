#!/usr/bin/env bash
# Text style of the tracked and new files: no tabs, trailing blanks or CRLF, a final newline; C lines of at
# most 120 columns, functions of at most 60 lines, files of at most 800 (kernels excepted). Messages of what HTTP and
# Python reach name no option of the program.
set -euo pipefail
cd "$(dirname "$0")/.."

list_files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -co --exclude-standard -z
  else
    find . \( -name .git -o -name 'build*' -o -name venv \) -prune -o -type f -print0
  fi
}

breaches=0
note() {
  echo "$1"
  breaches=$((breaches + 1))
}

while IFS= read -r -d '' file; do
  file=${file#./}
  [ -f "$file" ] || continue
  case $file in
    tests/golden/* | tests/fuzz/corpus/* | models/* | *.safetensors | *.svg | *.png | LICENSE) continue ;;
  esac
  [ -s "$file" ] || continue
  LC_ALL=C grep -qI . "$file" || continue # binary
  if [ "$(tail -c 1 "$file" | od -An -tx1 | tr -d ' \n')" != 0a ]; then note "$file: no newline at the end"; fi
  if LC_ALL=C grep -q $'\r' "$file"; then note "$file: CRLF line ends"; fi
  case $file in
    Makefile | *.mk) ;;
    *) while IFS=: read -r line _; do note "$file:$line: tab"; done < <(LC_ALL=C grep -n $'\t' "$file" || true) ;;
  esac
  case $file in
    *.csv) ;;
    *) while IFS=: read -r line _; do note "$file:$line: blank at the end of the line"; done \
         < <(LC_ALL=C grep -nE ' +$' "$file" || true) ;;
  esac
  case $file in
    src/*.[ch] | data/*.[ch] | serve/*.[ch] | hub/*.[ch] | page/*.[ch])
      while IFS=: read -r line _; do note "$file:$line: an option of the program in a message"; done \
        < <(LC_ALL=C grep -nE '^[^*]*"[^"]*--[a-z]' "$file" || true)
      ;;
  esac
  case $file in
    *.c | *.h)
      while IFS= read -r line; do note "$file:$line"; done < <(LC_ALL=C awk -v kernel="$([[ $file == src/kernels/* ]] && echo 1)" '
        { text = $0; gsub(/[\200-\277]/, "", text) } # a UTF-8 character is one column
        length(text) > 120 { print FNR ": " length(text) " columns, at most 120" }
        /^[A-Za-z].*\) \{$/ || (/^ .*\) \{$/ && head) { start = FNR }
        { head = /^[A-Za-z].*[(,][^;{]*$/ || (head && !/[;{]/) }
        /^}/ { if (start && !kernel && FNR - start + 1 > 60)
                 print start ": a function of " FNR - start + 1 " lines, at most 60"
               start = 0 }
        END { if (!kernel && FNR > 800) print FNR ": a file of " FNR " lines, at most 800" }' "$file")
      ;;
  esac
done < <(list_files)

if [ "$breaches" -gt 0 ]; then
  echo "check_style: $breaches breaches"
  exit 1
fi
