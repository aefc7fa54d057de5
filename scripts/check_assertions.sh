#!/bin/sh
# check_assertions.sh LIBRARY NM on|off: assertions are in the compiled library, or they are not. Builds that test carry
# them; the release build does not.
set -eu
found=off
"$2" "$1" | grep -q '__assert_fail' && found=on
[ "$found" = "$3" ] && exit 0
echo "check_assertions: $1: assertions are $found, expected $3"
exit 1
