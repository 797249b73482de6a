#!/usr/bin/env bash
# Runs tests under the Windows Python of the lane that install.sh makes: what concerns Windows, or what pytest is told
# to. The exit code is pytest's.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/windows/lane.sh

if [ ! -e "$lane/recipe" ] || ! command -v wine >/dev/null; then
  echo "the lane is not installed; type tests/windows/install.sh" >&2
  exit 4
fi

# One at a time: at the end the wine of this lane is ended with whatever a failed test has left in it.
exec 9>"$lane/lock"
flock 9
trap 'wineserver --kill || true' EXIT

# What meets the system: what only computes is the same everywhere. Rust's standard library, which is in pydantic, wants a
# bcryptprimitives.dll that this wine does not have, so nothing here reads files of servers.
# The event loop of Windows lends each connection 64 KiB, so the server in one test outgrows what that test allows.
[ $# -gt 0 ] || set -- tests/monitor/local tests/monitor/games tests/monitor/test_paths.py \
  --deselect tests/monitor/games/test_rcon_faults.py::test_fault_22_random_bytes_are_a_clean_error

# What a pytest or a coverage on the Linux side has put into the environment is not meant for this one.
unset PYTEST_ADDOPTS PYTEST_CURRENT_TEST PYTHONPATH PYTHONHOME VIRTUAL_ENV "${!COV@}"
export PYTHONPYCACHEPREFIX="Z:$lane/pycache" PYTHONUTF8=1
# wine wants neither a terminal nor a file at its ends. The pipe is not waited for before wine has been ended: what a
# test may have left running keeps it open.
exec {screen}> >(cat)
printer=$!
status=0
wine "$lane/cp311/python.exe" -m pytest -p no:cacheprovider -q "$@" </dev/null >&"$screen" 2>&1 9>&- || status=$?
exec {screen}>&-
wineserver --kill || true
wait "$printer"
exit "$status"
