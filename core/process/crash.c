#include "process/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A sanitizer has better last words of its own. */
#if defined(__SANITIZE_ADDRESS__)
#    define HAVE_SANITIZER 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define HAVE_SANITIZER 1
#    endif
#endif

enum {
    FRAMES = 48,
    STACK = 64 * 1024
};

static struct {
    const char *name;
} process;

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return;
}

/* Only what is safe in a signal handler: no allocation, no stdio. */
static void on_crash(int number)
{
    void *frames[FRAMES];
    const char *abbreviation = sigabbrev_np(number);

    say("headgate: ");
    say(process.name);
    say(": SIG");
    say(abbreviation ? abbreviation : "?");
    say(", called from:\n");
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
    raise(number); /* SA_RESETHAND: now it kills */
}

void crash_report_to_stderr(const char *name)
{
#ifdef HAVE_SANITIZER
    (void)name;
    (void)on_crash;
#else
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static char stack[STACK]; /* of its own: the usual one may be used up */
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_ONSTACK};
    void *first[1];

    process.name = name;
    sigaltstack(&alternative, NULL);
    backtrace(first, 1); /* loads its library now, not inside the handler */
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
#endif
}
