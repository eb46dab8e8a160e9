-- The names routes and the library may use are those of the sandbox (core/script/sandbox.c).
std = {
  read_globals = {
    "assert", "error", "getmetatable", "ipairs", "math", "next", "pairs", "pcall", "print",
    "rawequal", "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "string",
    "table", "tonumber", "tostring", "type", "utf8", "xpcall", "_VERSION",
  },
}
max_line_length = 110
self = false
files["**/*_test.lua"] = { ignore = { "212" } }
files["**/headgate.lua"] = { ignore = { "113" } } -- the configuration has words of its own
