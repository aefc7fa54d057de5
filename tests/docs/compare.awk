# compare.awk EXPECTED PRINTED: status 1 and a message where what was printed isn't what the page shows. Numbers may differ
# by a thousandth, "..." stands for any lines or for the rest of a line.
FNR == NR { expected[++wanted] = $0; next }
{ printed[++found] = $0 }

function same(a, b,    x, y, n, i, p, q) {
  if (a == b) return 1
  n = split(a, x, /[ ,:;()\[\]{}"|]+/)
  split(b, y, /[ ,:;()\[\]{}"|]+/)
  for (i = 1; i <= n; i++) {
    if (x[i] == "...") return 1
    if (x[i] == y[i]) continue
    if (x[i] !~ /^[-+]?[0-9.]+(e[-+]?[0-9]+)?%?$/ || y[i] !~ /^[-+]?[0-9.]+(e[-+]?[0-9]+)?%?$/) return 0
    p = x[i] + 0
    q = y[i] + 0
    if ((p > q ? p - q : q - p) > 0.001 * ((p > 0 ? p : -p) + (q > 0 ? q : -q))) return 0
  }
  return n == split(b, y, /[ ,:;()\[\]{}"|]+/)
}

END {
  if (FILENAME == ARGV[1]) found = 0 # nothing was printed
  while (wanted > 0 && expected[wanted] == "") wanted--
  for (e = p = 1; e <= wanted; e++) {
    if (expected[e] == "...") {
      if (e == wanted) exit 0
      while (p <= found && !same(expected[e + 1], printed[p])) p++
      continue
    }
    if (p > found || !same(expected[e], printed[p])) {
      printf "expected '%s'\nfound    '%s'\n", expected[e], p <= found ? printed[p] : "(nothing more)"
      exit 1
    }
    p++
  }
  while (p <= found && printed[p] == "") p++
  if (p <= found) {
    printf "found also '%s'\n", printed[p]
    exit 1
  }
}
