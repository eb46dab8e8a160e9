#include "process/checker.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/config/config.h"
#include "gateway/gateway.h"
#include "process/fds.h"
#include "process/state.h"

/* What it writes: {"config": {...}} or {"reason": "..."}. */
enum {
    ANSWER_MAX = 64 * 1024 * 1024
};

static json_t *evaluate(const char *config_path, const char *run_dir)
{
    struct error error = {""};
    struct config *config = config_load(config_path, &error);
    json_t *answer = NULL;

    /* Relative paths in the settings of plugins mean the folder of the configuration. */
    if (config && chdir(config->folder) < 0)
        error_set(&error, "cannot enter %s: %s", config->folder, strerror(errno));
    else if (config && gateway_check(config, run_dir, &error))
        answer = json_pack("{s:o}", "config", config_to_json(config));
    config_free(&config);
    return answer ? answer : json_pack("{s:o}", "reason", state_text(error.text));
}

static _Noreturn void child_main(int fd, const char *config_path, const char *run_dir)
{
    prctl(PR_SET_NAME, "headgate-check");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_set_process("checker");
    fds_keep_only(&fd, 1);

    json_t *answer = evaluate(config_path, run_dir);
    bool good = json_object_get(answer, "config") != NULL;
    bool told = json_dumpfd(answer, fd, JSON_COMPACT) == 0;

    json_decref(answer);
    _exit(good && told ? 0 : 1);
}

static void usual_signals(void)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool checker_start(struct checker *checker, const char *config_path, const char *run_dir,
                   struct error *error)
{
    int ends[2];

    *checker = (struct checker){.fd = -1};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set(error, "cannot start the checker: %s", strerror(errno));
    checker->pid = fork();
    if (checker->pid == 0) {
        usual_signals();
        child_main(ends[1], config_path, run_dir);
    }
    close(ends[1]);
    checker->fd = ends[0];
    fcntl(checker->fd, F_SETFL, O_NONBLOCK);
    if (checker->pid > 0)
        return true;
    error_set(error, "cannot start the checker: %s", strerror(errno));
    checker_done(checker);
    return false;
}

bool checker_read(struct checker *checker)
{
    while (checker->fd >= 0) {
        char *room = buffer_room(&checker->answer, 65536);
        ssize_t n = read(checker->fd, room, 65536);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n > 0)
            buffer_grew(&checker->answer, (size_t)n);
        if (n <= 0 || checker->answer.len > ANSWER_MAX) {
            close(checker->fd);
            checker->fd = -1;
        }
    }
    return false;
}

static struct config *understand(const json_t *answer, struct error *error)
{
    const char *reason = json_string_value(json_object_get(answer, "reason"));

    if (reason)
        error_set(error, "%s", reason);
    else
        return config_from_json(json_object_get(answer, "config"), error);
    return NULL;
}

struct config *checker_result(struct checker *checker, int wait_status, struct error *error)
{
    hg_str text = buffer_text(&checker->answer);
    json_t *answer = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    struct config *config = NULL;

    checker->pid = 0;
    if (WIFSIGNALED(wait_status))
        error_set(error,
                  "the checker died (SIG%s) while it tried the configuration: a plugin or "
                  "its settings may be at fault",
                  sigabbrev_np(WTERMSIG(wait_status)));
    else if (!answer)
        error_set(error, "the checker ended without an answer (status %d)",
                  WEXITSTATUS(wait_status));
    else
        config = understand(answer, error);
    json_decref(answer);
    checker_done(checker);
    return config;
}

void checker_done(struct checker *checker)
{
    if (checker->pid > 0) {
        kill(checker->pid, SIGKILL);
        waitpid(checker->pid, NULL, 0);
    }
    if (checker->fd >= 0)
        close(checker->fd);
    buffer_done(&checker->answer);
    *checker = (struct checker){.fd = -1};
}

struct config *checker_run(const char *config_path, const char *run_dir, unsigned seconds,
                           struct error *error)
{
    struct checker checker;
    int wait_status = 0;

    if (!checker_start(&checker, config_path, run_dir, error))
        return NULL;
    hg_ns deadline = clock_precise() + seconds * NS_PER_S;

    while (checker_read(&checker)) {
        hg_ns left = deadline - clock_precise();
        struct pollfd readable = {.fd = checker.fd, .events = POLLIN};

        if (left <= 0) {
            checker_done(&checker);
            error_set(error,
                      "the configuration was not checked within %u s: a plugin does not "
                      "finish its start",
                      seconds);
            return NULL;
        }
        poll(&readable, 1, (int)(left / NS_PER_MS) + 1);
    }
    waitpid(checker.pid, &wait_status, 0);
    return checker_result(&checker, wait_status, error);
}
