#!/usr/bin/env bash
# cycles.sh WORK CC NM: scripts/check_cycles.sh passes three modules in a line and refuses them in a circle.
set -euo pipefail
work=$1 cc=$2 nm=$3
check=$(cd "$(dirname "$0")/../.." && pwd)/scripts/check_cycles.sh
folder=$work/made_up.dir/src
rm -rf "$work"
mkdir -p "$folder"

# module NAME CALLS: an object of a module whose function calls that of another one.
module() {
  printf 'void c2_%s(void);\nvoid c2_%s(void);\nvoid c2_%s(void) { c2_%s(); }\n' "$1" "$2" "$1" "$2" >"$folder/$1.c"
  "$cc" -c "$folder/$1.c" -o "$folder/$1.c.o"
}

module upper middle
module middle lower
module lower elsewhere
printf '%s\n' "$folder"/{upper,middle,lower}.c.o >"$work/objects"
"$check" "$work/objects" "$nm"
module lower upper
if said=$("$check" "$work/objects" "$nm"); then
  echo "cycles: a circle of three modules was not found"
  exit 1
fi
for name in upper middle lower; do
  grep -qx "  src/$name" <<<"$said" || { echo "cycles: $name is missing in: $said"; exit 1; }
done
