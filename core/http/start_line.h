/* start_line.h - the first line of a message: method, target and version, or version and status. */
#pragma once

#include "http/head.h"
#include "http/parse.h"

/* Exactly one space between the parts, as RFC 9112 has it. `line` comes without its line end and
 * holds no control characters. They fill what the line says, with views into it. */
enum parse_result request_line_read(hg_str line, struct head *ret, const char **ret_reason);
enum parse_result status_line_read(hg_str line, struct head *ret, const char **ret_reason);
