#!/usr/bin/env bash
# All checks in one command: installs what the tests use (Debian, when root), then format, clippy, tests.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  # The second line is for tests against real parts: plugins and what they need, servers, Debian's `mail` and its MTA.
  missing=()
  for package in gcc libc6-dev ca-certificates \
    monitoring-plugins-basic monitoring-plugins-standard monitoring-plugins-contrib bind9-dnsutils libpq5 nginx-light openssh-server openssh-client \
    dnsmasq-base python3 python3-aiosmtpd bsd-mailx nagios4-core nagios4-common \
    nagios4-cgi icinga2-bin nsca-client curl chrony iproute2 util-linux iputils-ping procps \
    libmonitoring-plugin-perl valgrind prometheus chromium fonts-dejavu-core; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    # Tests start the servers themselves: installing them must not. In a subshell, so that the trap ends with it.
    (
      policy=/usr/sbin/policy-rc.d
      if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
      fi
      apt-get update -q
      apt-get install -y -q --no-install-recommends "${missing[@]}"
    )
  fi
  # Nagstamon's modules alone: installing it would bring the libraries of its window.
  nagstamon=/usr/local/lib/deploywatch-tests
  if [ ! -e "$nagstamon/usr/lib/python3/dist-packages/Nagstamon/Servers/Livestatus.py" ]; then
    (
      unpack=$(mktemp -d)
      trap 'rm -rf "$unpack"' EXIT
      cd "$unpack"
      # As root, since the other user that apt prefers may not write here.
      fetch() { apt-get download -q -o APT::Sandbox::User=root nagstamon; }
      fetch || { apt-get update -q && fetch; }
      mkdir -p "$nagstamon"
      dpkg -x nagstamon_*.deb "$nagstamon"
    )
  fi
  # Where sshd of root puts itself; starting the service would make it.
  mkdir -p /run/sshd
fi
cargo fmt --all -- --check
cargo clippy --locked --workspace --all-targets --profile ci -- -D warnings
DEPLOYWATCH_HISTORIES=${DEPLOYWATCH_HISTORIES:-100000} cargo test --locked --workspace --profile ci
./tests/instructions.sh
