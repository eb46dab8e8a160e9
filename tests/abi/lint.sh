#!/bin/sh
# Every SDK header stands alone, in C11 and C++11, without a warning; the layout is what it was; the
# structs that may grow are never embedded, and what crosses the border has a fixed size.
#
# Takes CC and CXX from the environment; without a compiler for C++ that part is left out. They may
# bring options, so they are split into words.
# shellcheck disable=SC2086
top=${TEST_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
include=$top/sdk/include
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

trouble()
{
    echo "FAIL: $*"
    failed=1
}

compile() # what, compiler, options...
{
    what=$1
    shift
    "$@" -Wall -Wextra -Wpedantic -Werror -I"$include" -c -o "$work/out.o" 2>"$work/said" && return
    trouble "$what"
    cat "$work/said"
}

cc=${CC:-cc}
cxx=${CXX:-c++}
command -v "${cc%% *}" >/dev/null || { echo "skipped: no C compiler"; exit 77; }
command -v "${cxx%% *}" >/dev/null || cxx=

for header in "$include"/headgate/*.h; do
    name=headgate/$(basename "$header")
    # Twice, because it must bear that; and with the newest minor as well as the oldest.
    printf '#include <%s>\n#include <%s>\nextern int some;\n' "$name" "$name" >"$work/alone.c"
    compile "$name in C11" $cc -std=c11 "$work/alone.c"
    compile "$name in C11, all minors" $cc -std=c11 -DHG_ABI_MINOR=99 "$work/alone.c"
    test -z "$cxx" || compile "$name in C++11" $cxx -x c++ -std=c++11 "$work/alone.c"
done
compile "the layout in C" $cc -std=c11 "$top/tests/abi/layout.c"
test -z "$cxx" || compile "the layout in C++" $cxx -x c++ -std=c++11 "$top/tests/abi/layout.c"

# Comments away, then: which structs grow, and who has one inside?
for header in "$include"/headgate/*.h; do
    sed -e 's|/\*[^*]*\*/||g' "$header" | awk '
        /\/\*/ { inside = 1 } !inside { print } /\*\// { inside = 0 }' >"$work/$(basename "$header")"
done
growing=$(awk '/struct hg_[a-z_]+ \{/ { name = $0; sub(/.*struct /, "", name); sub(/ .*/, "", name)
               getline; if ($0 ~ /^ *uint32_t size[,;]/) print name }' "$work"/*.h | sort -u)
test "$(echo "$growing" | wc -l)" -ge 25 || trouble "only these structs seem to grow: $growing"
for name in $growing; do
    if grep -nE "^ +(const )?(struct )?$name [a-z]" "$work"/*.h; then
        trouble "$name may grow, so it must not be part of another struct"
    fi
    if grep -nE "[(,] *(const )?$name( [a-z]+)?[,)]" "$work"/*.h | grep -v sizeof; then
        trouble "$name may grow, so it must be given by pointer"
    fi
done
grep -nE "^ +(unsigned |signed )?(long|short|bool|_Bool|enum [a-z_]+) " "$work"/*.h &&
    trouble "a member without a fixed size"
grep -nE "^ +[a-z0-9_]+ [a-z_]+ *: *[0-9]+;" "$work"/*.h && trouble "a bit field"

test $failed = 0 && echo "the headers are fine: $(echo "$growing" | wc -l) structs that may grow"
exit $failed
