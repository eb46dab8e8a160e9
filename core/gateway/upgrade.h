/* upgrade.h - the two handshakes of a realtime session: the client's with us and ours with the
 * provider. What follows is in tunnel.h.
 *
 *   client ─► upgrade_receive ─► (route, attempt) ─► upgrade_ask ─► upgrade_judge ─► tunnel_start
 */
#pragma once

#include "gateway/request.h"

struct attempt;

/* Whether the request is the upgrade that its path stands for; it has failed otherwise. Reads the
 * model and the credential. */
void upgrade_receive(struct request *request);

/* Puts what makes an upgrade of it to the request that a plugin has made. */
void upgrade_ask(struct attempt *attempt);

/* The answer to that: the attempt has succeeded or failed, or it is a refusal whose body is to be
 * read, and this is false. */
bool upgrade_judge(struct attempt *attempt, const struct head *head);
