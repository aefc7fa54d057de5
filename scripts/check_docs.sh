#!/usr/bin/env bash
# check_docs.sh [FOLDER]: the links, quotes and paths of the documentation here, or below FOLDER. A relative link leads to
# a file, and behind # to a heading of it; a page names no folder of one machine; below a line <!-- quotes FILE --> every
# number of the next paragraph or table stands in FILE, so that a figure has one home.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"
breaches=0
note() {
  echo "$1"
  breaches=$((breaches + 1))
}

pages=()
while IFS= read -r -d '' page; do pages+=("${page#./}"); done < <(
  if [ $# = 0 ] && git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -co --exclude-standard -z '*.md'
  else
    find . \( -name .git -o -name 'build*' -o -name venv \) -prune -o -name '*.md' -print0
  fi)

# The headings of a page as a link spells them.
anchors() {
  sed -nE 's/^#+ +//p' "$1" | tr '[:upper:]' '[:lower:]' | sed -E 's/[^[:alnum:] _-]//g; s/ /-/g'
}

# The numbers of a text, a line each; a minus sign is a hyphen.
numbers() { sed 's/−/-/g' | grep -oE '[0-9]+([.,][0-9]+)*(e[+-]?[0-9]+)?' | sort -u || true; }

for page in "${pages[@]}"; do
  [ -f "$page" ] || continue
  here=$(dirname "$page")
  while IFS= read -r link; do
    case $link in http://* | https://* | mailto:*) continue ;; esac
    path=${link%%#*}
    target=$page
    if [ -n "$path" ]; then target=$here/$path; fi
    if [ ! -e "$target" ]; then
      note "$page: the link '$link' leads nowhere"
    elif [[ $link == *'#'* && $target == *.md ]] && ! grep -qxF -- "${link#*#}" <<<"$(anchors "$target")"; then
      note "$page: the link '$link' leads to no heading"
    fi
  done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^) ]+\)' | sed -E 's/^\]\(//; s/\)$//' || true)
  while IFS= read -r line; do note "$page:$line: a path of one machine"; done < <(
    grep -nE '(^|[^[:alnum:]./_-])/(work|home|root|tmp|mnt)/' "$page" | cut -d: -f1 || true)
  while IFS=: read -r line source; do
    if [ ! -f "$source" ]; then
      note "$page:$line: quotes '$source', which is not there"
      continue
    fi
    while IFS= read -r number; do note "$page:$line: $number does not stand in $source"; done < <(
      comm -23 <(tail -n +$((line + 1)) "$page" | sed '/./,$!d; /^$/,$d' | sed -E 's/\]\([^)]*\)//g' | numbers) \
        <(numbers <"$source"))
  done < <(grep -nE '^<!-- quotes [^ ]+ -->$' "$page" | sed -E 's/<!-- quotes ([^ ]+) -->/\1/' || true)
done

if [ "$breaches" -gt 0 ]; then
  echo "check_docs: $breaches breaches"
  exit 1
fi
echo "check_docs: ${#pages[@]} pages"
