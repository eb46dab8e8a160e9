#include "process/channel.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

bool channel_open(int ret_ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_ends) == 0;
}

bool channel_say(int fd, enum channel_word word, uint32_t value, const char *text)
{
    struct channel_message message = {.word = word, .value = value};
    hg_str said = text_of(text);
    size_t n = said.n < sizeof message.text ? said.n : sizeof message.text - 1;

    put_text(message.text, (hg_str){said.p, n});
    return send(fd, &message, offsetof(struct channel_message, text) + n + 1, MSG_NOSIGNAL) > 0;
}

struct channel_message channel_hear(int fd)
{
    struct channel_message message = {.word = CHANNEL_NOTHING};
    ssize_t n = recv(fd, &message, sizeof message, 0);

    message.text[sizeof message.text - 1] = '\0';
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        message.word = CHANNEL_NOTHING;
    else if (n < (ssize_t)offsetof(struct channel_message, text))
        message.word = CHANNEL_GONE;
    return message;
}
