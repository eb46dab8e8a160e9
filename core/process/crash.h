/* crash.h - the last words of a process: a backtrace on standard error, then the signal takes its
 * course (a core file, if the system writes them). */
#pragma once

/* `name` lives on: "worker 1". */
void crash_report_to_stderr(const char *name);
