/* request.h - a request to chat as Ollama's own API takes it. */
#pragma once

#include <stdbool.h>

#include <headgate/plugin.h>

struct request_dflt {
    int64_t num_ctx;   /* 0: the model's own */
    hg_str keep_alive; /* JSON; empty: the server's */
};

/* Writes `doc`, a request in OpenAI's form, as the body of /api/chat. Fails with HG_E_INPUT where
 * that has no meaning. */
hg_rc request_write(const hg_host *host, hg_op op, hg_json doc, hg_str model, bool is_stream,
                    const struct request_dflt *dflt, hg_out *out);
