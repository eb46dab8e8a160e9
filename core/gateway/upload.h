/* upload.h - the body of a request that is too large to hold, on its way from the client to the
 * provider. Its beginning is held, so that until more of it has gone out a route may still go
 * elsewhere; afterwards it cannot be sent again. */
#pragma once

#include "gateway/request.h"

struct upload {
    int64_t length;          /* of the whole body; less than 0: nobody has said it */
    struct attempt *attempt; /* who gets it; NULL: nobody yet, or nobody any more */
    bool is_taken;           /* more has come than is held */
    struct fault fault;      /* why the attempt failed that had taken it */
};

/* For a request whose exchange says that its body is streamed. */
void upload_begin(struct request *request);

/* The attempt gets the body. False if it cannot: then it has failed. */
bool upload_claim(struct attempt *attempt);
void upload_release(struct attempt *attempt); /* harmless for one that does not have it */

/* Whether `body` is what the attempt was shown of it, so that the rest can follow. */
bool upload_follows(struct attempt *attempt, const struct chain *body);

/* The attempt's connection takes more. */
void upload_ready(struct attempt *attempt);

/* More has come from the client, or never will. */
void upload_data(struct request *request, hg_str bytes, bool last);
void upload_broken(struct request *request, int status, const char *reason);
