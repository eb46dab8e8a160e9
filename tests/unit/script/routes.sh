#!/bin/sh
# The library's own tests and those of the examples, and whether `headgate test` notices a failure.
set -eu

bin=${HEADGATE_BIN:-./headgate}
root=$(dirname "$0")/../../..
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$bin" test "$root/tests/lua" "$root/examples/routes"
"$bin" test -v "$root/examples/routes/01_simple_test.lua" | grep -q '[1-9][0-9]* instructions in '

fails() { # TEXT ...: the output must have each of them, and the exit status must be 1
    status=0
    "$bin" test "$folder" >"$folder/out" 2>&1 || status=$?
    [ "$status" = 1 ] || { cat "$folder/out"; echo "exit status $status, want 1"; exit 1; }
    for text; do
        grep -qF -e "$text" "$folder/out" || { cat "$folder/out"; echo "no '$text'"; exit 1; }
    done
}

cat >"$folder/x.lua" <<'END'
local s = require "headgate"
return s.route { path = "/v1/chat/completions", handler = s.target "x/y" }
END
cat >"$folder/x_test.lua" <<'END'
local t = require "headgate.test"
t.it("is right", function() t.target "x/y":says "yes" t.eq(t.post(t.ask "?").text, "yes") end)
t.it("is wrong", function() t.target "x/y":says "yes" t.eq(t.post(t.ask "?").text, "no") end)
t.it("asks nobody knows whom", function()
  t.post(t.ask "?")
end)
t.it("spins", function() while true do pcall(function() while true do end end) end end)
END
fails 'FAIL  ' 'is wrong' 'x_test.lua:3: want "no"' 'x_test.lua:5: the target' \
    'add' '1 passed, 3 failed' 'used too much processor time'

echo 'return nothing' >"$folder/x.lua"
fails "x.lua:1: 'nothing' is not defined"
echo 'local t = require "headgate.test"' >"$folder/x_test.lua"
fails 'there is no t.it in it'
rm "$folder/x_test.lua"
fails 'no file whose name ends with _test.lua'
echo fine
