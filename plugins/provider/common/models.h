/* models.h - the list of models: what the settings say, or what the provider answers. */
#pragma once

#include <headgate/plugin.h>

/* Writes the list of names in a setting. */
void models_write(const hg_host *host, hg_op op, hg_json names, hg_out *out);

/* Asks `req` (a GET, whose max_body is set here) for it. The answer is {"data":[...]}, a bare list
 * or {"models":[...]}. */
hg_rc models_ask(const hg_host *host, const hg_http_api *http, hg_op op, hg_http_req *req,
                 hg_out *out);
