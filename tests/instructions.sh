#!/usr/bin/env bash
# Guards against parts that get slower: counts their instructions under callgrind, since seconds are noisy, and compares
# them with tests/instructions.txt. `tests/instructions.sh --record` writes that file anew, after a change that is worth it.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || {
  echo "valgrind is not installed: apt-get install valgrind" >&2
  exit 1
}
allowed=1.10
recorded=tests/instructions.txt
# Built as the tests build it: without them it would be another build of everything.
cargo build --locked --quiet --workspace --profile ci --bins --tests
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Instructions of so many rounds of a part, start and set-up included.
count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null \
    target/ci/deploywatch bench worker micro --rounds "$2" "$1" "$work/site.toml" 2>&1 |
    sed -n 's/.*Collected : *//p'
}

fault=0
{
  echo "# Instructions for one round, of a build with --profile ci by the compiler named here. Written by tests/instructions.sh."
  rustc --version
} >"$work/found"
for part in output perfdata probe wheel result attribution; do
  # What the start costs falls out of the difference.
  few=$(count "$part" 1000)
  many=$(count "$part" 3000)
  each=$(((many - few) / 2000))
  echo "$part $each" >>"$work/found"
  before=$(sed -n "s/^$part //p" "$recorded" 2>/dev/null || true)
  echo "$part: $each instructions a round, ${before:-none} recorded"
  if [ -n "$before" ] && awk "BEGIN { exit !($each > $before * $allowed) }"; then
    echo "  more than $allowed times as many" >&2
    fault=1
  fi
done
if [ "${1:-}" = --record ]; then
  cp "$work/found" "$recorded"
  echo "recorded in $recorded"
elif [ "$(rustc --version)" != "$(sed -n 2p "$recorded")" ]; then
  echo "recorded with another compiler ($(sed -n 2p "$recorded")): nothing is compared; record it anew" >&2
else
  exit $fault
fi
