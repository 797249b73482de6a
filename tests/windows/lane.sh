# Where the lane is, and how wine is to behave in it. Sourced by install.sh and run.sh.
# shellcheck shell=bash
lane=${XDG_CACHE_HOME:-$HOME/.cache}/gamekeeper-wine
export WINEPREFIX=$lane/prefix WINEDEBUG=-all WINEARCH=win64
# No desktop, no offers to fetch Mono or Gecko.
export WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=
