/* chat.h - the normal form of a generation request: what every dialect reads into and writes from.
 *
 *   client's document ─► read_chat ─► struct chat ─► write_chat ─► provider's document
 *
 * It holds pieces of the client's document, not a tree of it: texts and JSON values stay where they
 * stand, numbers stay as they were written, and what is absent is empty. All memory is the
 * arena's. */
#pragma once

#include <stdbool.h>

#include <headgate/json.h>
#include <headgate/request.h>

#include "base/arena.h"
#include "base/chain.h"

/* A yes, a no, or nothing said. */
enum chat_flag {
    CHAT_UNSET,
    CHAT_NO,
    CHAT_YES
};

/* A text as it stands between the quotes of a JSON string, escapes and all, or plain. From one
 * document into another it goes without being unescaped. Absent if `s.p` is NULL. */
struct chat_text {
    hg_str s;
    bool is_quoted;
};

enum chat_part_kind {
    CHAT_TEXT = 1,
    CHAT_REFUSAL,
    CHAT_REASONING,
    CHAT_IMAGE,
    CHAT_AUDIO,
    CHAT_VIDEO,
    CHAT_FILE,
    CHAT_CALL,   /* of a tool, by the model */
    CHAT_RESULT, /* of such a call */
    CHAT_RAW     /* has no place of its own: raw, as `chat->from` wrote it */
};

struct chat_part {
    struct chat_part *next;
    enum chat_part_kind kind;

    struct chat_text text; /* TEXT, REFUSAL, REASONING; FILE: a document of plain text */
    hg_str cache;          /* cache mark as Anthropic writes it: {"type":"ephemeral","ttl":"1h"} */
    hg_str citations;      /* TEXT: a list of annotations in OpenAI's form */

    /* IMAGE, AUDIO, VIDEO, FILE: one of url, data, file_id, text. */
    struct chat_text url;  /* https:, gs:, s3: ... never data: */
    struct chat_text data; /* base64, without what stands before it in a data URL */
    struct chat_text file_id;
    struct chat_text name; /* file name or title */
    hg_str mime;           /* "image/png", "audio/wav"; empty if nobody said */
    hg_str detail;         /* "low", "high", "auto" */

    /* CALL, RESULT */
    struct chat_text id, tool; /* tool: the name of the function; a RESULT may lack it */
    struct chat_text args;     /* unescaped, it is the JSON text of the arguments; may be empty */
    bool is_custom;            /* args are free text */
    bool is_error;             /* RESULT */
    struct chat_part *parts;   /* RESULT: TEXT, IMAGE, FILE ... */

    /* What only the provider that made it can read; REASONING, and CALL for Gemini. */
    struct chat_text signature, encrypted;

    hg_str raw; /* RAW */
};

struct chat_message {
    struct chat_message *next;
    uint32_t role; /* HG_ROLE_...; results stand in messages of HG_ROLE_TOOL */
    struct chat_text name;
    struct chat_part *parts;
    struct chat_part **parts_end; /* where the next one goes */
};

enum chat_tool_kind {
    CHAT_FUNCTION = 1,
    CHAT_CUSTOM, /* takes free text; `raw` has its format */
    CHAT_HOSTED  /* run by the provider; `raw` as `chat->from` wrote it */
};

struct chat_tool {
    struct chat_tool *next;
    enum chat_tool_kind kind;
    struct chat_text name, description; /* HOSTED: name is its type */
    hg_str schema;                      /* an object; empty: takes nothing */
    enum chat_flag strict;
    hg_str cache;
    hg_str raw;
};

struct chat_name {
    struct chat_name *next;
    struct chat_text text;
};

enum chat_choice_mode {
    CHAT_CHOICE_UNSET,
    CHAT_CHOICE_AUTO,
    CHAT_CHOICE_NONE,
    CHAT_CHOICE_REQUIRED,
    CHAT_CHOICE_NAMED,           /* the first name */
    CHAT_CHOICE_ALLOWED,         /* any of the names, or none */
    CHAT_CHOICE_ALLOWED_REQUIRED /* one of the names */
};

enum chat_format {
    CHAT_FORMAT_UNSET,
    CHAT_FORMAT_TEXT,
    CHAT_FORMAT_JSON,
    CHAT_FORMAT_SCHEMA
};

/* A member of the root without a place below. */
struct chat_extra {
    struct chat_extra *next;
    hg_str key; /* without escapes */
    hg_str raw;
    bool
        is_known; /* `chat->from` defines it: lost unless the writer knows it too. Others travel. */
};

struct chat {
    const struct dialect *from;
    hg_str model;
    bool is_stream, wants_usage;

    struct chat_message *messages; /* system ones where they stood */
    struct chat_message **messages_end;

    struct chat_tool *tools;
    struct chat_tool **tools_end;
    enum chat_choice_mode choice;
    struct chat_name *choice_names;
    struct chat_name **choice_names_end;
    enum chat_flag parallel; /* several calls in one answer */

    /* Numbers, as written. */
    hg_str max_tokens, temperature, top_p, top_k, seed, n;
    hg_str frequency_penalty, presence_penalty, top_logprobs;
    enum chat_flag logprobs;
    struct chat_name *stops;
    struct chat_name **stops_end;

    enum chat_format format;
    struct chat_text format_name, format_description;
    hg_str format_schema;
    enum chat_flag format_strict;

    /* Reasoning: off, an effort or a budget; unset if nothing was said. */
    enum chat_flag reasoning;
    hg_str effort;  /* "none" "minimal" "low" "medium" "high" "xhigh" "max" */
    hg_str budget;  /* tokens, as written */
    hg_str summary; /* "auto" "concise" "detailed" */

    struct chat_text user;
    hg_str verbosity, service_tier; /* words */
    hg_str metadata;                /* an object */
    hg_str logit_bias, modalities, audio;

    struct chat_extra *extra;
    struct chat_extra **extra_end;
};

/* ---- for readers ------------------------------------------------------------------------------
 */

void chat_begin(struct chat *chat, const struct dialect *from);
struct chat_message *chat_add_message(struct arena *arena, struct chat *chat, uint32_t role);
struct chat_part *chat_add_part(struct arena *arena, struct chat_message *message,
                                enum chat_part_kind kind);
struct chat_tool *chat_add_tool(struct arena *arena, struct chat *chat, enum chat_tool_kind kind);
void chat_add_stop(struct arena *arena, struct chat *chat, struct chat_text text);
void chat_add_choice_name(struct arena *arena, struct chat *chat, struct chat_text text);
void chat_add_extra(struct arena *arena, struct chat *chat, hg_str key, hg_json value,
                    bool is_known);

/* A JSON string as a text; absent for other kinds. Plain text as one. */
struct chat_text chat_text_of(hg_json value);
struct chat_text chat_plain(hg_str text);

/* A number as it was written, a true or false, a word ("high") that needs no escapes; empty or
 * unset for other kinds. */
hg_str chat_number(hg_json value);
enum chat_flag chat_flag_of(hg_json value);
hg_str chat_word(struct arena *arena, hg_json value);

/* The value as it was written, unless it is absent or null. */
hg_str chat_raw(hg_json value);

/* Fills url, or mime and data from a data: URL. */
void chat_set_url(struct arena *arena, struct chat_part *part, struct chat_text url);

/* ---- for writers ------------------------------------------------------------------------------
 */

static inline bool chat_has(struct chat_text text)
{
    return text.s.p != NULL;
}

/* The text without escapes: a piece of it, or a copy in the arena if it had some. */
hg_str chat_decode(struct arena *arena, struct chat_text text);

/* Whether a REASONING part holds anything at all. */
static inline bool chat_is_thought(const struct chat_part *part)
{
    return part->kind == CHAT_REASONING &&
           (part->text.s.n || part->signature.s.n || part->encrypted.s.n);
}

/* Nothing, or nothing but white space. */
bool chat_is_blank(struct chat_text text);

/* Writes it as a JSON string, with the quotes; an absent one as "". */
void chat_put(struct chain *out, struct chat_text text);

/* All TEXT parts of a list as one JSON string, `between` them whatever it says. */
void chat_put_joined(struct chain *out, const struct chat_part *parts, const char *between);

/* Arguments of a call, as an object ({} if there are none, {"raw":"..."} around what is no object),
 * and as a string that holds JSON ("{}" if there are none). */
void chat_put_args_object(struct arena *arena, struct chain *out, const struct chat_part *call);
void chat_put_args_string(struct chain *out, const struct chat_part *call);

/* The URL, or a data URL made from mime and data. */
void chat_put_url(struct chain *out, const struct chat_part *part);

/* The call that a result answers, and so the name of its tool; NULL if there is none before it. */
const struct chat_part *chat_call_of(const struct chat *chat, const struct chat_part *result);

/* Whether any message has a call or a result. */
bool chat_has_calls(const struct chat *chat);

/* Tokens for an effort and the other way round, for providers that know only one of them. */
uint64_t chat_budget_of_effort(hg_str effort);
hg_str chat_effort_of_budget(uint64_t budget);
