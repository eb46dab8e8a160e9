#include "unit/net/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64];

static const char script[] =
    "set -e; cd \"$1\"; exec >log 2>&1\n"
    "new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
    "authority() { openssl req -x509 $new -keyout $1.key -out $1.pem -subj /CN=$1 -days 2; }\n"
    "issue() { # NAME CA DAYS SAN\n"
    "  openssl req -new $new -keyout $1.key -subj /CN=$1 -addext subjectAltName=$4 -out $1.csr\n"
    "  openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days $3 \\\n"
    "    -copy_extensions copy -out $1.pem\n"
    "}\n"
    "authority ca; authority foreign-ca\n"
    "issue server ca 2 'DNS:localhost,DNS:*.example.test,IP:127.0.0.1,IP:::1'\n"
    "issue other ca 2 DNS:other.test\n"
    "issue expired ca -1 DNS:localhost\n"
    "issue client ca 2 DNS:caller\n"
    "issue foreign foreign-ca 2 DNS:localhost\n"
    "openssl req -x509 $new -keyout selfsigned.key -out selfsigned.pem -subj /CN=localhost \\\n"
    "  -addext subjectAltName=DNS:localhost -days 2\n"
    "openssl pkey -in server.key -aes256 -passout pass:secret -out locked.key\n";

static int run(const char *text)
{
    char command[sizeof script + 128];

    snprintf(command, sizeof command, "set -- '%s'\n%s", folder, text);
    return system(command);
}

bool certs_make(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%.40s/hg-certs-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder) || run(script) != 0) {
        fprintf(stderr, "the openssl command cannot make certificates, see %s/log\n", folder);
        return false;
    }
    return true;
}

void certs_remove(void)
{
    run("rm -r \"$1\"");
}

const char *cert_path(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}
