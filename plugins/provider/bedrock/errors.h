/* errors.h - private: what an exception of Bedrock's means. */
#pragma once

#include <headgate/plugin.h>

/* Fills `out`; HG_SKIP if there is no exception. `*ret_refused` is set if the credentials were. */
hg_rc bedrock_error(const hg_host *host, const hg_http_api *http, hg_op op,
                    const hg_http_resp *resp, hg_error *out, int *ret_refused);
