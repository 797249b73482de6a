#!/usr/bin/env bash
# Runs the tests with game servers that others wrote, after installing those of them that are missing. What cannot be
# installed here is named, and its tests are skipped. Words are passed on to pytest, whose exit code this has.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=.venv/bin/python
if [ ! -x "$python" ]; then
  echo "there is no .venv; README.md says how to make one" >&2
  exit 4
fi

# A program of each Debian package, to know it by.
declare -A programs=(
  [armagetronad-dedicated]=/usr/games/armagetronad-dedicated
  [bzflag-server]=/usr/games/bzfs
  [minetest-server]=/usr/lib/minetest/minetestserver
  [wesnoth-1.16-server]=/usr/games/wesnothd-1.16
)

installed() {
  [ -x "${programs[$1]}" ] || [ -x "/usr/bin/${programs[$1]##*/}" ]
}

install() {
  # Debian starts the server that it has installed, unless this says no; the tests start their own.
  local policy=/usr/sbin/policy-rc.d ours=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    ours=yes
  fi
  apt-get install -qq -y --no-install-recommends "$1" >/dev/null 2>&1 || echo "apt-get could not install $1"
  [ -z "$ours" ] || rm "$policy"
}

missing=()
for package in "${!programs[@]}"; do
  installed "$package" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "this user cannot install: ${missing[*]}"
  elif ! command -v apt-get >/dev/null; then
    echo "there is no apt-get to install: ${missing[*]}"
  else
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || echo "apt-get could not update its lists"
    for package in "${missing[@]}"; do
      install "$package"
    done
  fi
fi

exec "$python" -m pytest -m foreign "$@"
