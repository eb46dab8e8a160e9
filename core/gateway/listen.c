#include "gateway/listen.h"

#include "gateway/config/config.h"
#include "net/tls.h"

bool listen_tls(const struct config_listen *listen, struct tls_config **ret_tls,
                struct error *error)
{
    *ret_tls = NULL;
    if (!listen->cert)
        return true;
    struct tls_config *tls = tls_server_config(listen->cert, listen->key, error);

    if (tls && (!listen->client_ca || tls_server_require_client(tls, listen->client_ca, error))) {
        *ret_tls = tls;
        return true;
    }
    tls_config_free(&tls);
    return error_prefix(error, "%s:%d", listen->place.file, listen->place.line);
}
