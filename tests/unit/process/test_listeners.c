#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listener.h"
#include "process/listeners.h"

#include "support/suite.h"

static struct listeners *listeners;
static struct error error;

static const struct listeners_key first = {"listen", "127.0.0.1:0", 0, 0};
static const struct listeners_key second = {"listen", "127.0.0.1:0", 1, 0};
static const struct listeners_key admin = {"admin", "127.0.0.1:0", 0, 0};

static void setup(void)
{
    listeners = listeners_new();
}

static void teardown(void)
{
    listeners_free(&listeners);
    ck_assert_ptr_null(listeners);
}

START_TEST(the_same_key_is_the_same_socket)
{
    int fd = listeners_take(listeners, first, &error);

    ck_assert_msg(fd >= 0, "%s", error.text);
    ck_assert_int_eq(listeners_take(listeners, first, &error), fd);
}
END_TEST

START_TEST(any_port_is_another_one_for_each_listener)
{
    int a = listeners_take(listeners, first, &error);
    int b = listeners_take(listeners, second, &error);
    int c = listeners_take(listeners, admin, &error);

    ck_assert(a != b && b != c && a != c);
    ck_assert_uint_ne(listener_port(a), listener_port(b));
}
END_TEST

START_TEST(a_socket_lives_until_its_last_user_gives_it_back)
{
    int fd = listeners_take(listeners, first, &error);

    listeners_take(listeners, first, &error);
    listeners_give(listeners, first);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    listeners_give(listeners, first);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
}
END_TEST

START_TEST(others_stay_when_one_goes)
{
    int a = listeners_take(listeners, first, &error);
    int b = listeners_take(listeners, second, &error);

    listeners_give(listeners, first);
    ck_assert_int_lt(fcntl(a, F_GETFD), 0);
    ck_assert_int_ge(fcntl(b, F_GETFD), 0);
    ck_assert_int_eq(listeners_take(listeners, second, &error), b);
}
END_TEST

START_TEST(the_real_port_is_told)
{
    char expected[64];
    int fd = listeners_take(listeners, first, &error);

    snprintf(expected, sizeof expected, "127.0.0.1:%u", listener_port(fd));
    ck_assert_str_eq(listeners_actual(listeners, first), expected);
}
END_TEST

START_TEST(a_port_in_use_is_an_error_and_leaves_no_entry)
{
    listeners_take(listeners, first, &error);
    const struct listeners_key taken = {"admin", listeners_actual(listeners, first), 0, 0};

    ck_assert_int_lt(listeners_take(listeners, taken, &error), 0);
    ck_assert_ptr_nonnull(strstr(error.text, "cannot listen"));
    ck_assert(!listeners_is_new(listeners, taken));
}
END_TEST

START_TEST(a_socket_is_new_once)
{
    listeners_take(listeners, first, &error);
    ck_assert(listeners_is_new(listeners, first));
    ck_assert(!listeners_is_new(listeners, first));
}
END_TEST

START_TEST(a_role_can_be_closed_while_its_sockets_are_in_use)
{
    int fd = listeners_take(listeners, first, &error);
    int other = listeners_take(listeners, admin, &error);

    listeners_close(listeners, "listen");
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
    ck_assert_int_ge(fcntl(other, F_GETFD), 0);
    listeners_give(listeners, first);
}
END_TEST

START_TEST(a_unix_socket_has_its_mode_and_goes_with_its_file)
{
    char folder[] = "/tmp/headgate-listeners-XXXXXX", address[80];
    struct listeners_key key = {"listen", address, 0, 0600};
    struct stat file;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(address, sizeof address, "unix:%s/gate.sock", folder);
    int fd = listeners_take(listeners, key, &error);

    ck_assert_msg(fd >= 0, "%s", error.text);
    ck_assert_str_eq(listeners_actual(listeners, key), address);
    ck_assert(stat(address + 5, &file) == 0 && S_ISSOCK(file.st_mode));
    ck_assert_uint_eq(file.st_mode & 0777, 0600);
    key.mode = 0666;
    ck_assert_int_eq(listeners_take(listeners, key, &error), fd);
    listeners_set_mode(listeners, key);
    ck_assert(stat(address + 5, &file) == 0 && (file.st_mode & 0777) == 0666);
    listeners_give(listeners, key);
    ck_assert_int_eq(access(address + 5, F_OK), 0);
    listeners_give(listeners, key);
    ck_assert_int_ne(access(address + 5, F_OK), 0);
    rmdir(folder);
}
END_TEST

RUN_SUITE_WITH("process/listeners", setup, teardown, the_same_key_is_the_same_socket,
               any_port_is_another_one_for_each_listener,
               a_socket_lives_until_its_last_user_gives_it_back, others_stay_when_one_goes,
               the_real_port_is_told, a_port_in_use_is_an_error_and_leaves_no_entry,
               a_socket_is_new_once, a_role_can_be_closed_while_its_sockets_are_in_use,
               a_unix_socket_has_its_mode_and_goes_with_its_file)
