/* vendors.h - who speaks OpenAI's dialect, and where each of them differs: one row a vendor. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <headgate/plugin.h>

/* What a vendor can be asked for. */
#define ON_CHAT     (1u << HG_R_CHAT)
#define ON_COMPLETE (1u << HG_R_COMPLETE)
#define ON_EMBED    (1u << HG_R_EMBED)
#define ON_IMAGE    (1u << HG_R_IMAGE)
#define ON_AUDIO    (1u << HG_R_AUDIO)
#define ON_RERANK   (1u << HG_R_RERANK)
#define ON_MODERATE (1u << HG_R_MODERATE)
#define ON_REALTIME (1u << HG_R_REALTIME)
#define ON_TEXT     (ON_CHAT | ON_COMPLETE | ON_EMBED)
#define ON_ALL      (ON_TEXT | ON_IMAGE | ON_AUDIO | ON_RERANK | ON_MODERATE)

/* What a vendor wants otherwise. */
#define WANTS_ONE_CHOICE   0x01u /* `n` is 1 */
#define WANTS_AUTO_TOOLS   0x02u /* tool_choice is auto or none */
#define WANTS_NO_STRICT    0x04u /* functions have no `strict` */
#define WANTS_NO_NAMES     0x08u /* messages have no `name` */
#define WANTS_SYSTEM_FIRST 0x10u /* one system message, before all others */
#define WANTS_TURNS        0x20u /* user and assistant take turns */
#define TAKES_NEW_LIMIT    0x40u /* knows max_completion_tokens */
#define TAKES_DEVELOPER    0x80u /* knows the role developer */

/* Lists are words with a space between; NULL is an empty one. */
struct vendor {
    const char *name;     /* as in `vendor = "groq"` */
    const char *base_url; /* may hold {names} that the setting `vars` gives */
    const char *auth;     /* how the key is sent; NULL: "authorization: Bearer" */
    const char *header;   /* "name: value" of every request */
    const char *passes;   /* further headers that clients may set */
    const char *refuses;  /* members of a request that must not be sent */
    const char *takes;    /* of those that only OpenAI takes; "*": all of them */
    const char *renames;  /* members that go by another name: "seed=random_seed" */
    const char *efforts;  /* other words for reasoning_effort: "minimal=low" */
    const char *errors;   /* what its codes mean: "30001=quota", see common/errors.h */
    const char *models;   /* where the list of models is; NULL: "/models", "": there is none */
    uint32_t endpoints;   /* ON_... */
    uint32_t wire;        /* HG_WIRE_... flags */
    uint32_t wants;       /* WANTS_..., TAKES_... */
    uint32_t stops;       /* the most stop sequences; 0: any number */
    const char *hottest;  /* the highest temperature; NULL: whatever clients send */
};

/* Those who serve models of their own, who host open ones, who stand in front of others, and what
 * runs on one's own machines. Each list ends with a row without name. */
extern const struct vendor vendors_makers[], vendors_hosts[], vendors_routers[], vendors_local[];

/* NULL if there is none of that name. */
const struct vendor *vendor_find(hg_str name);

/* The rows of all lists, counted from 0; NULL at the end. */
const struct vendor *vendor_at(size_t i);
