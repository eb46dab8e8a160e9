#!/bin/sh
# From a clean clone to a first answer: installs what is missing, builds into build/, starts a
# provider and the gateway, and asks it something, at once and as a stream.
#
#   examples/quickstart.sh           with the built-in simulator as provider
#   OPENAI_API_KEY=sk-... examples/quickstart.sh     with OpenAI
#   examples/quickstart.sh --keep    leaves the gateway running, on port 8787 if that is free
#
# OPENAI_BASE_URL and OPENAI_MODEL, beside the key, name another server that speaks the same.
# For Debian 12 or something like it; as root or with sudo if packages are missing.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD_DIR:-$root/build}
place=$build/quickstart
keep=no
simulator=
gateway=

for arg; do
  case $arg in
  --keep) keep=yes ;;
  -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "quickstart: no option '$arg'; there is --keep" >&2; exit 2 ;;
  esac
done

if [ -t 1 ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else bold= dim= plain=; fi

say() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

# A path as it is typed from here.
near() {
  case $1 in
  "$PWD"/*) echo "${1#"$PWD"/}" ;;
  *) echo "$1" ;;
  esac
}

# Runs a long command quietly; when it fails, shows the end of what it said.
quietly() {
  name=$1
  shift
  if ! "$@" >"$place/$name.log" 2>&1; then
    tail -n 25 "$place/$name.log" >&2
    fail "'$*' failed; all it said is in $place/$name.log"
  fi
}

finish() {
  [ $keep = yes ] && [ -n "$gateway" ] && return
  if [ -n "$gateway" ]; then kill "$gateway" 2>/dev/null && wait "$gateway" 2>/dev/null || true; fi
  if [ -n "$simulator" ]; then
    kill "$simulator" 2>/dev/null && wait "$simulator" 2>/dev/null || true
    rm -f "$place/simulator.pid"
  fi
}
trap finish EXIT
trap 'keep=no; exit 130' INT TERM

# Waits until a line of a file matches; prints what the pattern's group found.
await() {
  file=$1 pattern=$2 pid=$3
  tries=0
  while [ $tries -lt 200 ]; do
    found=$(sed -n "s|.*$pattern.*|\\1|p" "$file" 2>/dev/null | head -n 1)
    if [ -n "$found" ]; then
      echo "$found"
      return
    fi
    kill -0 "$pid" 2>/dev/null || break
    tries=$((tries + 1))
    sleep 0.05
  done
  cat "$file" >&2
  fail "it did not start; see above"
}

# Nobody answers on that port.
is_free() {
  refused=0
  curl -s -o /dev/null -m 1 "http://127.0.0.1:$1/" || refused=$?
  [ $refused = 7 ]
}

# ---- what is needed ------------------------------------------------------------------------------

{ mkdir -p "$place" && [ -w "$place" ]; } ||
  fail "$place cannot be written; BUILD_DIR=... names another folder to build in"

missing=
for package in gcc make autoconf automake libtool pkg-config curl ca-certificates \
  libevent-dev libssl-dev libjansson-dev liblua5.4-dev zlib1g-dev libpcre2-dev; do
  # Elsewhere than on Debian, configure says what is missing.
  command -v dpkg-query >/dev/null || break
  dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing="$missing $package"
done
if [ -n "$missing" ]; then
  as_root=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing, and there is no sudo; as root:
  apt-get update && apt-get install -y --no-install-recommends$missing"
    as_root=sudo
  fi
  say "Installing$missing"
  quietly update $as_root apt-get -q update
  # shellcheck disable=SC2086
  quietly install $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
    --no-install-recommends $missing
fi

say "Building into $(near "$build"), which takes a minute the first time"
if [ ! -x "$root/configure" ] || [ "$root/configure.ac" -nt "$root/configure" ]; then
  quietly autogen "$root/autogen.sh"
fi
if [ ! -f "$build/config.status" ]; then
  quietly configure sh -c 'cd "$1" && "$2/configure" -q' sh "$build" "$root"
fi
quietly make make -C "$build" -j "${JOBS:-$(nproc)}"
headgate=$build/headgate
note "$("$headgate" version)"

# ---- a provider, and the gateway -------------------------------------------------------------------

# What an earlier run with --keep has left.
"$headgate" stop --now --run-dir "$place/run" >/dev/null 2>&1 || true
if [ -f "$place/simulator.pid" ]; then
  old=$(cat "$place/simulator.pid")
  if tr '\0' ' ' 2>/dev/null <"/proc/$old/cmdline" | grep -q 'headgate simulate'; then kill "$old"; fi
  rm -f "$place/simulator.pid"
fi

# Plugins of this build, not of one that may be installed.
HEADGATE_PLUGIN_PATH=$build/.libs
export HEADGATE_PLUGIN_PATH

model=gpt-4o-mini
if [ -n "${OPENAI_API_KEY:-}" ]; then
  say "Using ${OPENAI_BASE_URL:-OpenAI}, with the key from OPENAI_API_KEY"
  model=${OPENAI_MODEL:-$model}
  provider="provider \"openai\" { plugin = \"openai\", api_key = secret \"OPENAI_API_KEY\"${OPENAI_BASE_URL:+,
  base_url = \"$OPENAI_BASE_URL\"} }"
else
  say "Starting a simulated provider (set OPENAI_API_KEY to use the real one)"
  rm -f "$place/simulator.log"
  "$headgate" simulate --listen 127.0.0.1:0 >"$place/simulator.log" 2>&1 </dev/null &
  simulator=$!
  echo $simulator >"$place/simulator.pid"
  url=$(await "$place/simulator.log" 'listening on \(http://[^ ]*\)' $simulator)
  note "$url"
  provider="provider \"openai\" { plugin = \"openai\", base_url = \"$url/v1\" }"
fi

port=0 admin_port=0
if [ $keep = yes ]; then
  if is_free 8787; then port=8787; fi
  if is_free 8788; then admin_port=8788; fi
fi

cat >"$place/headgate.lua" <<END
-- Written by examples/quickstart.sh.
listen "127.0.0.1:$port"
admin  "127.0.0.1:$admin_port"

$provider

logger "access" { plugin = "jsonl", path = "access.jsonl" }
END

say "Starting the gateway with this configuration"
sed '1d' "$place/headgate.lua"
rm -f "$place/access.jsonl" "$place/gateway.log"
"$headgate" run -c "$place/headgate.lua" --run-dir "$place/run" >"$place/gateway.log" 2>&1 \
  </dev/null &
gateway=$!
base=$(await "$place/gateway.log" 'listening on \(http://[^ ]*\)' $gateway)
admin=$(await "$place/gateway.log" 'admin on \(http://[^ ]*\)' $gateway)
note "$base"

# ---- two requests ------------------------------------------------------------------------------------

question='"messages":[{"role":"user","content":"Say hello in five words."}]'

ask() {
  curl -sS --fail-with-body -m 60 "$@" -H 'content-type: application/json' \
    "$base/v1/chat/completions"
}

refused() {
  echo >&2
  tail -n 5 "$place/gateway.log" >&2
  fail "that is no answer; the gateway's log is $place/gateway.log"
}

say "A chat request"
ask -d "{\"model\":\"$model\",$question}" || refused
echo

say "The same as a stream"
ask -N -d "{\"model\":\"$model\",\"stream\":true,$question}" >"$place/stream.txt" ||
  { cat "$place/stream.txt" >&2; refused; }
grep '^data:' "$place/stream.txt" | awk '
  { line[NR] = length($0) > 400 ? substr($0, 1, 400) "..." : $0 }
  END {
    for (i = 1; i <= NR; i++)
      if (i <= 3 || i > NR - 2) print line[i]
      else if (i == 4) print "  ... " NR - 5 " more events, all of them in '"$(near "$place")"'/stream.txt"
  }'

say "What was recorded of the second one"
tries=0
while [ "$(cat "$place/access.jsonl" 2>/dev/null | wc -l)" -lt 2 ] && [ $tries -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
tail -n 1 "$place/access.jsonl"

# ---- what next -----------------------------------------------------------------------------------------

program=$(near "$headgate")
run_dir=$(near "$place")/run
if [ $keep = yes ]; then
  connects="     OpenAI(base_url=\"$base/v1\", api_key=\"any\")"
  looks="     $program status --run-dir $run_dir
     curl $admin/metrics"
else
  connects="     $(near "$root/examples/quickstart.sh") --keep      leaves it running
     OpenAI(base_url=\"http://127.0.0.1:8787/v1\", api_key=\"any\")"
  looks="     $program status --run-dir $run_dir      after --keep"
fi

say "Three things to try next"
cat <<END
1. Use it from an SDK: only the base URL changes.
$connects
2. Write a route: fallback, balancing, caching and more in a few lines of Lua.
     cat $(near "$root/examples/routes/02_fallback.lua")
     $program test $(near "$root/examples/routes")
3. Look at it while it works: the processes, and the numbers.
$looks
END

if [ $keep = yes ]; then
  say "The gateway is still running"
  echo "It answers on $base/v1 and is stopped by"
  echo "  $program stop --run-dir $run_dir${simulator:+; kill $simulator}"
else
  say "Stopping"
  "$headgate" stop --run-dir "$place/run"
fi
