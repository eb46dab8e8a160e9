/* certs.h - certificates for tests, made by the openssl command in a folder of their own:
 *
 *   ca.pem                 the authority
 *   server.pem, .key       for localhost, *.example.test, 127.0.0.1 and ::1
 *   other.pem, .key        for other.test
 *   expired.pem, .key      for localhost, of long ago
 *   selfsigned.pem, .key   for localhost, signed by itself
 *   client.pem, .key       of a caller
 *   locked.key             the server's key with a passphrase
 *   foreign-ca.pem, foreign.pem, .key   of another authority */
#pragma once

#include <stdbool.h>

bool certs_make(void); /* once, in main */
void certs_remove(void);

/* Path of one of the files; one of a few static buffers. */
const char *cert_path(const char *name);
