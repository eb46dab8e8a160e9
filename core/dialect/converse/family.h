/* family.h - private to converse/: what the models behind Bedrock's one format take and refuse. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <headgate/abi.h>

#define FAMILY_CLAUDE      1u
#define FAMILY_NOVA        2u
#define FAMILY_MISTRAL     4u    /* ids of calls are nine letters and digits */
#define FAMILY_ADAPTIVE    8u    /* Claude: thinks as much as an effort says, not a budget */
#define FAMILY_NO_SAMPLING 16u   /* refuses temperature, top_p and top_k */
#define FAMILY_ONE_OF_TWO  32u   /* takes temperature or top_p, not both */
#define FAMILY_SCHEMA      64u   /* keeps to a JSON Schema by itself */
#define FAMILY_XHIGH       128u  /* knows the effort "xhigh" */
#define FAMILY_CACHE       256u  /* takes cache points */
#define FAMILY_TTL         512u  /* and how long they live */
#define FAMILY_SIGNED      1024u /* wants its signed reasoning back */
#define FAMILY_STATUS      2048u /* takes the status of a tool's result */

struct family {
    uint32_t flags;
    const char *top_k;  /* its name in additionalModelRequestFields; NULL: has none */
    const char *effort; /* the same for an effort as one word */
};

/* By the model's id, behind region prefixes and in ARNs. An ARN that names no model might be
 * anything: then nothing is held back. */
const struct family *converse_family_of(hg_str model);
