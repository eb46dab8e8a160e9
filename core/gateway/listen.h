/* listen.h - what the addresses for clients and the one for operators have in common. */
#pragma once

#include "base/error.h"

struct config_listen;
struct tls_config;

/* Its TLS in *ret_tls, NULL if it has none. False and why, with file and line. */
bool listen_tls(const struct config_listen *listen, struct tls_config **ret_tls,
                struct error *error);
