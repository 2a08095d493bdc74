# shellcheck shell=bash
# Shared by the scripts: how they speak, and what they ask of the machine. Sourced, never run.

# shellcheck disable=SC2034  # used by those who source this file
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [[ -t 1 && -z "${NO_COLOR:-}" && "${TERM:-dumb}" != dumb ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' blue=$'\e[34m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' yellow='' blue='' plain=''
fi

say() { printf '%s\n' "$*"; }
step() { printf '%s==>%s %s%s%s\n' "$blue" "$plain" "$bold" "$*" "$plain"; }
good() { printf '%s✓%s %s\n' "$green" "$plain" "$*"; }
warn() { printf '%swarning:%s %s\n' "$yellow" "$plain" "$*" >&2; }

# die MESSAGE [NEXT STEP]
die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
    [[ $# -lt 2 ]] || printf '       %s%s%s\n' "$dim" "$2" "$plain" >&2
    exit 1
}

is_root() { [[ "$(id -u)" -eq 0 ]]; }

cores() { nproc 2>/dev/null || echo 1; }

# usage_from FILE: prints the comment block at its top, which is the script's manual.
usage_from() { awk 'NR > 1 && /^#/ { sub(/^# ?/, ""); print; next } NR > 1 { exit }' "$1"; }
