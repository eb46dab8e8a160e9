#!/bin/bash
# Builds Headgate and runs its tests: tests/run.sh [SUITE...]
#
# Without names all suites run but those on demand. Installs quietly what is missing (Debian, as
# root or with a sudo that asks nothing), builds out of tree in build/ and build-san/, and prints one
# line for each suite, the end of the log of what has failed, and at last "N passed, N failed,
# N skipped". Logs: build/test-logs/. The exit code is 1 if something failed or nothing ran.
set -u
cd "$(dirname "$0")/.." || exit 2
exec </dev/null

root=$PWD
logs=$root/build/test-logs
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
HEADGATE_SHARED=$(realpath -m "${HEADGATE_SHARED:-$root/../shared}")
export HEADGATE_SHARED PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8

suites='layers format lint unit lua compatibility e2e cassettes badinput sdk fuzz distcheck'
on_demand='tidy valgrind live'

total_passed=0
total_failed=0
total_skipped=0

# ---- counting ---------------------------------------------------------------------------------

report() { # NAME PASSED FAILED SKIPPED LOG [NOTE]
    total_passed=$((total_passed + $2))
    total_failed=$((total_failed + $3))
    total_skipped=$((total_skipped + $4))
    printf '%-18s %4d passed, %d failed, %d skipped%s\n' "$1" "$2" "$3" "$4" "${6:+  ($6)}"
    if [ "$3" -gt 0 ]; then
        echo "---- the end of ${5#"$root"/}"
        tail -n 40 "$5" | cut -c 1-300
        echo '----'
    fi
}

skip() { # NAME WHY
    total_skipped=$((total_skipped + 1))
    printf '%-18s skipped: %s\n' "$1" "$2"
}

# Runs a command that is one test; 77 says that it could not run.
single() { # NAME COMMAND...
    local name=$1 log=$logs/${1// /-}.log
    shift
    "$@" >"$log" 2>&1
    case $? in
    0) report "$name" 1 0 0 "$log" ;;
    77) skip "$name" "$(tail -n 1 "$log" | sed -E 's/^(skipped[^:]*|[a-z]+): //')" ;;
    *) report "$name" 0 1 0 "$log" ;;
    esac
}

number() { # FILE WORD: what stands before the word in the last line that has it
    local n
    n=$(grep -oE "[0-9]+ $2\b" "$1" | tail -n 1)
    echo "${n%% *}" | grep . || echo 0
}

# ---- what must be there -----------------------------------------------------------------------

# Each is WHAT:PACKAGE, where WHAT is a command, a pkg-config name after "=", a module of Python
# after "%", or a file.
packages_build='gcc:gcc make:make autoreconf:autoconf automake:automake libtoolize:libtool
    pkg-config:pkg-config openssl:openssl =libevent:libevent-dev =openssl:libssl-dev
    =jansson:libjansson-dev =lua5.4:liblua5.4-dev =zlib:zlib1g-dev =libpcre2-8:libpcre2-dev
    =check:check'
packages_format='clang-format:clang-format'
packages_lint='cppcheck:cppcheck mandoc:mandoc shellcheck:shellcheck git:git
    pkg-config:pkg-config'
packages_tidy='clang-tidy:clang-tidy git:git pkg-config:pkg-config'
packages_lua='luacheck:lua-check'
packages_fuzz='clang:clang'
packages_sdk='python3:python3 %ensurepip:python3-venv node:nodejs npm:npm
    /etc/ssl/certs/ca-certificates.crt:ca-certificates'
packages_valgrind='valgrind:valgrind'

is_there() { # WHAT
    case $1 in
    =*) pkg-config --exists "${1#=}" 2>/dev/null ;;
    %*) python3 -c "import ${1#%}" 2>/dev/null ;;
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# What could not be installed; said once, at the end.
lacking=

# The command that lets an ordinary user install, if there is one that needs no password.
as_root=
[ "$(id -u)" = 0 ] || as_root='sudo -n'

install_packages() { # PAIRS
    local pair missing=
    for pair in $1; do
        is_there "${pair%:*}" || missing="$missing ${pair##*:}"
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
        lacking="$lacking$missing"
        return 1
    fi
    [ -e "$logs/apt-updated" ] || $as_root apt-get -qq update >>"$logs/install.log" 2>&1
    touch "$logs/apt-updated"
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
        $missing >>"$logs/install.log" 2>&1 || {
        echo "run.sh: could not be installed:$missing (see build/test-logs/install.log)" >&2
        lacking="$lacking$missing"
        return 1
    }
}

# Finds a Python with pytest, the one that is there or Debian's: $python, empty without.
find_python() {
    local one
    python=
    for one in python3 /usr/bin/python3; do
        if "$one" -c 'import pytest' 2>/dev/null; then
            python=$one
            return
        fi
    done
    install_packages '/usr/bin/python3:python3 /usr/bin/pytest-3:python3-pytest' &&
        python=/usr/bin/python3
}

# ---- building ---------------------------------------------------------------------------------

# Once a folder; what happened is remembered.
declare -A built=()

build() { # FOLDER: build or build-san
    if [ -z "${built[$1]-}" ]; then
        install_packages "$packages_build"
        if build_anew "$1" >"$logs/$1.log" 2>&1; then
            built[$1]=yes
        else
            built[$1]=no
            report "building $1" 0 1 0 "$logs/$1.log"
        fi
    fi
    [ "${built[$1]}" = yes ]
}

build_anew() { # FOLDER
    local options=(--quiet)
    [ -z "${CI-}" ] || options+=(--enable-werror)
    [ "$1" = build ] || options+=(--enable-sanitizers 'CFLAGS=-g -O1')
    [ -x configure ] || ./autogen.sh || return
    (
        mkdir -p "$1" && cd "$1" || exit
        [ -f Makefile ] || ../configure "${options[@]}" || exit
        # It was configured before check, which the unit tests need, was there.
        if grep -qF 'S["HAVE_CHECK_TRUE"]="#"' config.status; then
            ./config.status --quiet --recheck && ./config.status --quiet || exit
        fi
        make -s -j "$jobs"
    )
}

# The program under test is the sanitized one: what is wrong shows itself there.
use_sanitized() {
    build build-san || return
    HEADGATE_BIN=$root/build-san/headgate
    HEADGATE_PLUGIN_PATH=$root/build-san/.libs
    export HEADGATE_BIN HEADGATE_PLUGIN_PATH
    export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 HEADGATE_TEST_PATIENCE=3
}

# ---- suites -----------------------------------------------------------------------------------

suite_layers() {
    single layers dev/layers
    single 'layers self-test' dev/layers --self-test
}

suite_format() {
    install_packages "$packages_format"
    single format dev/format --check
}

suite_lint() {
    install_packages "$packages_lint"
    dev/lint cppcheck shellcheck mandoc spelling >"$logs/lint.log" 2>&1
    report lint "$(grep -c '^ok ' "$logs/lint.log")" "$(grep -c '^FAILED ' "$logs/lint.log")" \
        "$(grep -c '^skipped ' "$logs/lint.log")" "$logs/lint.log" \
        "$(sed -n 's/^skipped //p' "$logs/lint.log" | paste -sd ';')"
}

# It looks at every path of every function, which takes minutes.
suite_tidy() {
    install_packages "$packages_tidy"
    single tidy dev/lint clang-tidy
}

# Adds up the results of automake's harness: the tests of a check program count one by one.
count_checks() { # FOLDER LOG
    local trs log result summary checks bad passed=0 failed=0 skipped=0
    while read -r trs; do
        log=${trs%.trs}.log
        result=$(sed -n 's/^:test-result: //p' "$trs")
        summary=$(grep -oE 'Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+' "$log" | tail -n 1)
        read -r checks bad <<<"$(echo "$summary" | tr -dc '0-9 ' | awk '{print $1 + 0, $2 + $3}')"
        case $result in
        PASS)
            # A test without its data says so and passes.
            bad=$(grep -c '^skipped: ' "$log")
            skipped=$((skipped + bad))
            passed=$((passed + (checks > bad ? checks - bad : 1)))
            ;;
        SKIP) skipped=$((skipped + 1)) ;;
        *)
            # Without failing checks it has crashed, or leaked at its end.
            [ "${bad:-0}" -gt 0 ] || bad=1
            failed=$((failed + bad))
            passed=$((passed + (checks > bad ? checks - bad : 0)))
            { echo "== $result ${log#"$root"/}" && tail -n 25 "$log"; } >>"$2"
            ;;
        esac
    done < <(find "$1" -name '*.trs' | sort)
    echo "$passed $failed $skipped"
}

unit_in() { # NAME FOLDER
    local log=$logs/unit-$2.log counts
    build "$2" || return
    find "$2" -name '*.trs' -delete
    # Programs that do not fork have no time limits of their own.
    timeout 1200 make -C "$2" -s -k -j "$jobs" check >"$log" 2>&1
    local rc=$?
    read -ra counts <<<"$(count_checks "$2" "$log")"
    # A test that does not compile leaves no result, and no results at all are no success.
    if [ "${counts[1]}" = 0 ] && { [ $rc != 0 ] || [ "${counts[0]}" = 0 ]; }; then counts[1]=1; fi
    report "$1" "${counts[@]}" "$log"
}

suite_unit() {
    # With forks a leak is not seen, so the sanitized programs do not fork.
    CK_FORK=no ASAN_OPTIONS=detect_leaks=1 unit_in 'unit, sanitized' build-san
    unit_in unit build
}

suite_lua() {
    local log=$logs/lua.log rc passed failed
    install_packages "$packages_lua"
    single luacheck dev/lint luacheck
    use_sanitized || return
    "$HEADGATE_BIN" test examples/routes >"$log" 2>&1
    rc=$?
    passed=$(number "$log" passed)
    failed=$(number "$log" failed)
    if [ $rc != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    report lua "$passed" "$failed" "$(number "$log" skipped)" "$log"
}

pytest_in() { # NAME
    local log=$logs/$1.log rc failed
    [ -n "$python" ] || {
        skip "$1" 'no pytest'
        return
    }
    use_sanitized || return
    timeout 900 "$python" -m pytest "tests/$1" -q -rs --tb=short -p no:cacheprovider >"$log" 2>&1
    rc=$?
    failed=$(($(number "$log" failed) + $(number "$log" 'errors?')))
    # 5: nothing was collected, which is no success either.
    if [ $rc != 0 ] && [ $failed = 0 ]; then failed=1; fi
    report "$1" "$(number "$log" passed)" $failed "$(number "$log" skipped)" "$log"
}

with_cassettes() { # NAME FOLDER: the data it needs
    if [ -d "$HEADGATE_SHARED/$2" ]; then
        find_python
        pytest_in "$1"
    else
        skip "$1" 'no cassettes'
    fi
}

# Whether the page says what the tests find.
compatibility_check() {
    local results=$root/build/compatibility.jsonl
    [ -d "$HEADGATE_SHARED/cassettes" ] || {
        echo 'skipped: no cassettes'
        return 77
    }
    rm -f "$results"
    make -C build -s tests/unit/dialect/test_translations tests/unit/dialect/test_roundtrip \
        tests/unit/dialect/test_roundtrip_answers &&
        HEADGATE_RESULTS=$results build/tests/unit/dialect/test_translations &&
        HEADGATE_RESULTS=$results build/tests/unit/dialect/test_roundtrip &&
        HEADGATE_RESULTS=$results build/tests/unit/dialect/test_roundtrip_answers &&
        "$python" tests/compatibility.py --check "$results"
}

suite_compatibility() {
    find_python
    [ -n "$python" ] || {
        skip compatibility 'no pytest'
        return
    }
    build build || return
    single compatibility compatibility_check
}

suite_e2e() {
    find_python
    pytest_in e2e
}

suite_cassettes() {
    with_cassettes cassettes cassettes
}

suite_badinput() {
    with_cassettes badinput bad-input
}

# The official SDKs go into folders of their own under build/, anew when their lists change.
install_sdks() {
    local list=requirements.txt lock=package-lock.json
    if ! cmp -s tests/sdk/$list build/venv/$list; then
        python3 -m venv --clear build/venv || return
        build/venv/bin/pip install --quiet --disable-pip-version-check -r tests/sdk/$list || return
        cp tests/sdk/$list build/venv/ || return
    fi
    if ! cmp -s tests/sdk/$lock build/sdk/installed.json; then
        mkdir -p build/sdk && cp tests/sdk/package.json tests/sdk/$lock build/sdk/ || return
        npm ci --prefix build/sdk --no-audit --no-fund --silent || return
        cp tests/sdk/$lock build/sdk/installed.json || return
    fi
}

suite_sdk() {
    install_packages "$packages_sdk"
    if ! install_sdks >"$logs/sdk-install.log" 2>&1; then
        skip sdk 'the SDKs could not be installed, see build/test-logs/sdk-install.log'
        return
    fi
    python=$root/build/venv/bin/python
    rm -f build/sdk.jsonl
    HEADGATE_RESULTS=$root/build/sdk.jsonl NODE_PATH=$root/build/sdk/node_modules pytest_in sdk
    single 'sdk, the page' "$python" tests/compatibility.py --check build/sdk.jsonl
}

# Debian has the runtime in a package of its own.
has_fuzzer() {
    echo 'int LLVMFuzzerTestOneInput(const char *p, long n) { return p && n < 0; }' |
        clang -fsanitize=fuzzer,address -x c -o "$logs/fuzzer-there" - >"$logs/fuzzer.log" 2>&1
}

suite_fuzz() {
    local one
    install_packages "$packages_build $packages_fuzz"
    if ! has_fuzzer && ! { install_packages '/libclang-rt:libclang-rt-14-dev' && has_fuzzer; }; then
        skip fuzz 'no clang with libFuzzer'
        return
    fi
    for one in tests/fuzz/fuzz_*.c; do
        one=${one##*/fuzz_}
        # The same inputs in every run: new ones are searched for by hand, with dev/fuzz.
        single "fuzz ${one%.c}" dev/fuzz "${one%.c}" 10 -seed=1
    done
}

suite_distcheck() {
    build build || return
    single distcheck timeout 1200 make -C build -s -j "$jobs" distcheck
}

# Of leaks only definite ones count: the only pointer to an arena leads into its first block.
suite_valgrind() {
    local one
    install_packages "$packages_valgrind"
    build build || return
    make -C build -s -j "$jobs" check TESTS= >"$logs/valgrind-build.log" 2>&1
    while read -r one; do
        single "valgrind ${one##*/test_}" env CK_FORK=no HEADGATE_TEST_PATIENCE=30 \
            HEADGATE_BIN="$root/build/headgate" HEADGATE_PLUGIN_PATH="$root/build/.libs" \
            build/libtool --mode=execute valgrind -q --error-exitcode=9 --leak-check=full \
            --errors-for-leak-kinds=definite --show-leak-kinds=definite \
            --suppressions=tests/valgrind.supp "$one"
    done < <(find build -path '*/.libs' -prune -o -name 'test_*' -type f -perm -u+x -print | sort)
}

suite_live() {
    use_sanitized || return
    single live bash tests/live-model.sh
}

# ---- which of them ----------------------------------------------------------------------------

has_files() { # SUITE
    case $1 in
    layers | format | lint) [ -x "dev/$1" ] ;;
    tidy) [ -x dev/lint ] ;;
    lua) [ -f core/cli/test.c ] && compgen -G 'examples/routes/*.lua' >/dev/null ;;
    e2e | cassettes | badinput | sdk) compgen -G "tests/$1/test_*.py" >/dev/null ;;
    fuzz) compgen -G 'tests/fuzz/fuzz_*.c' >/dev/null ;;
    live) [ -f tests/live-model.sh ] ;;
    *) [ -f configure.ac ] ;;
    esac
}

there=
for suite in $suites $on_demand; do
    if has_files "$suite"; then there="$there $suite"; fi
done
for suite in "$@"; do
    case " $there " in
    *" $suite "*) ;;
    *)
        echo "run.sh: there is no suite $suite; there are:$there" >&2
        exit 2
        ;;
    esac
done

mkdir -p "$logs"
rm -f "$logs/apt-updated"
if [ $# -eq 0 ]; then
    for suite in $there; do
        case " $on_demand " in
        *" $suite "*) ;;
        *) set -- "$@" "$suite" ;;
        esac
    done
fi
for suite in "$@"; do
    "suite_$suite"
done

if [ -n "$lacking" ]; then
    # shellcheck disable=SC2086 # a list of words
    lacking=$(printf '%s\n' $lacking | sort -u | paste -sd ' ')
    echo "run.sh: not there, and not to be installed from here; as root:
  apt-get install --no-install-recommends $lacking" >&2
fi
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ $total_failed -eq 0 ] && [ $((total_passed + total_skipped)) -gt 0 ]
