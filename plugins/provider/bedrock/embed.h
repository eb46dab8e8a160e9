/* embed.h - private: embeddings of Amazon Titan and of Cohere, asked for and answered in OpenAI's
 * form. */
#pragma once

#include <headgate/plugin.h>

/* Writes the body for InvokeModel. */
hg_rc embed_write(const hg_host *host, hg_op op, hg_str model, hg_json doc, hg_out *out);

/* Reads its answer; gives the events of it. `tokens` is the header's count, -1 if it has none. */
hg_rc embed_read(const hg_host *host, hg_op op, hg_str model, hg_json doc, int64_t tokens);
