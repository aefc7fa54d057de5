#!/usr/bin/env bash
# check_cycles.sh OBJECTS [NM]: modules may not need each other in a circle. OBJECTS is a file that lists the objects of
# a build, one path a line, "FOLDER/NAME.c.o" below the build's own folders "TARGET.dir/". A module is FOLDER/NAME; it needs
# each module that defines a function or variable that it uses. Prints the modules of each circle; status 1 if there
# is one.
set -euo pipefail
objects=$1
nm=${2:-nm}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while IFS= read -r object; do
  module=${object##*.dir/}
  "$nm" -g "$object" | awk -v module="${module%.c.o}" 'NF == 2 && $1 == "U" { print "needs", $2, module }
    NF == 3 && $2 != "W" && $2 != "w" { print "defines", $3, module }'
done < <(grep . "$objects") >"$work/symbols"
awk '$1 == "defines" { home[$2] = $3; next } { need[$3 " " $2] = 1 }
     END { for (one in need) { split(one, part, " ")
           if (part[2] in home && home[part[2]] != part[1]) print part[1], home[part[2]] } }' "$work/symbols" |
  sort -u >"$work/needs"
[ -s "$work/needs" ] || { echo "check_cycles: no module needs another one: $objects does not list a build"; exit 1; }

if ! tsort <"$work/needs" >/dev/null 2>"$work/loops"; then
  sed -E 's/^tsort: -: input contains a loop:/check_cycles: these modules need each other in a circle:/; s/^tsort: /  /' \
    "$work/loops"
  exit 1
fi
