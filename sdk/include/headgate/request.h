/* headgate/request.h - what a plugin sees of a request, and the normalised events of an answer. */
#ifndef HEADGATE_REQUEST_H
#define HEADGATE_REQUEST_H

#include <headgate/abi.h>
#include <headgate/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the request asks for. */
enum {
    HG_R_CHAT = 1,
    HG_R_COMPLETE,
    HG_R_EMBED,
    HG_R_IMAGE,
    HG_R_AUDIO,
    HG_R_RERANK,
    HG_R_MODERATE,
    HG_R_MODELS,
    HG_R_RAW,     /* any other path: method, path and body pass as they are */
    HG_R_COUNT,   /* how many tokens a chat request has */
    HG_R_REALTIME /* a session over a WebSocket; see `caps` of a provider */
};

/* Wire formats the core can read and write. */
enum {
    HG_WIRE_NONE,
    HG_WIRE_OPENAI_CHAT,
    HG_WIRE_OPENAI_RESPONSES,
    HG_WIRE_ANTHROPIC,
    HG_WIRE_GEMINI,
    HG_WIRE_CONVERSE,
    HG_WIRE_COHERE
};

/* Where a server of a format differs from most; put to the wire that is given to rewrite. They tell
 * the writer of that format, and change nothing in what the client itself has said in it. */
#define HG_WIRE_MASK            0xffu
#define HG_WIRE_STRING_CONTENT  0x100u   /* OpenAI: content of a message is one text */
#define HG_WIRE_EMPTY_CONTENT   0x200u   /* OpenAI: "" and not null beside tool calls */
#define HG_WIRE_REASONING       0x400u   /* OpenAI: history has `reasoning_content` */
#define HG_WIRE_NO_SCHEMA       0x800u   /* cannot keep to a JSON Schema by itself */
#define HG_WIRE_TOP_K           0x1000u  /* OpenAI: takes `top_k` */
#define HG_WIRE_MAX_TOKENS      0x2000u  /* OpenAI: the limit is `max_tokens` for every model */
#define HG_WIRE_NO_STREAM_USAGE 0x4000u  /* OpenAI: does not know `stream_options` */
#define HG_WIRE_NO_URLS         0x8000u  /* takes no URLs of images and files */
#define HG_WIRE_BODY_VERSION    0x10000u /* Anthropic on Bedrock and Vertex: no model, own version */
#define HG_WIRE_NO_CALL_IDS     0x20000u /* Gemini: calls have no ids, as on Vertex */
#define HG_WIRE_PREDICT         0x40000u /* Gemini: embeddings as instances of a prediction */
/* OpenAI, but only nearly, as Mistral has it: requests and answers are written anew even for
 * clients of OpenAI's format; ids of nine characters, `any` for `required`, thinking and files as
 * parts. */
#define HG_WIRE_MISTRAL   0x100000u
#define HG_WIRE_ONE_EMBED 0x80000u /* Gemini: one text a request, as embedContent has it */

enum {
    HG_ROLE_SYSTEM = 1,
    HG_ROLE_USER,
    HG_ROLE_ASSISTANT,
    HG_ROLE_TOOL
};

#define HG_RQ_STREAM 1u /* the client asked for a stream */
#define HG_RQ_PARTIAL \
    2u /* the body is the beginning of one that is not held: put as it is, or not */

/* The host writes `size` as the caller set it, and fills no member beyond. */
typedef struct hg_req_info {
    uint32_t size, kind, wire, flags;
    hg_str id, route, model, key_id, tenant; /* model: what this attempt sends */
    hg_str method, path, query;              /* path without query, as the client sent it */
    hg_ns start, deadline;                   /* moments; deadline 0: none */
    uint32_t attempt, reserved;              /* attempt counts from 0 */
} hg_req_info;

/* One text of a request or answer. Text parts of one message share no text, but all have its
 * role. `part` counts all texts from 0, and hg_edit names a text by it. */
typedef struct hg_text {
    uint32_t role, part;
    hg_str text;
} hg_text;

typedef struct hg_req_api {
    uint32_t size, reserved;

    void (*info)(const hg_req *, hg_req_info *);

    /* The client's document. Absent if the body is not JSON. */
    hg_json (*json)(const hg_req *);

    /* The same as bytes. Never NULL; may be empty. */
    const hg_body *(*body)(const hg_req *);

    /* A header field the client sent, by lower-case name; empty if absent. Credentials are never
     * among them. */
    hg_str (*header)(const hg_req *, const char *name);

    /* A metadata value by key; empty if absent. */
    hg_str (*meta)(const hg_req *, const char *key);

    /* Fills at most `max` texts in document order; returns how many there are. */
    size_t (*texts)(const hg_req *, hg_text *, size_t max);

    /* Writes the request in a wire format (HG_WIRE_... and flags of its servers), with this
     * attempt's model and the members of `patch` put over it (an absent `patch` changes nothing).
     * In the client's own format untouched bytes are shared and stay as they are; in another one
     * the request is translated. A request that has no meaning there breaks `out`: the op fails. */
    void (*rewrite)(hg_out *, const hg_req *, uint32_t wire, hg_json patch);
} hg_req_api;

/* Token counts. Every count is part of `input` or `output`; flags say which are known. */
#define HG_U_INPUT       1u
#define HG_U_OUTPUT      2u
#define HG_U_CACHED      4u
#define HG_U_CACHE_WRITE 8u
#define HG_U_REASONING   16u
#define HG_U_AUDIO_IN    32u
#define HG_U_AUDIO_OUT   64u
#define HG_U_IMAGES      128u
#define HG_U_ESTIMATED   256u /* counted by the gateway: the answer broke off before it was told */

typedef struct hg_usage {
    uint32_t size, flags;
    uint64_t input, output; /* all input with cached and written; all output with reasoning */
    uint64_t cached_input, cache_write, reasoning, audio_in, audio_out, images;
} hg_usage;

enum {
    HG_EV_START = 1,  /* id: answer id, name: model that answers */
    HG_EV_TEXT,       /* text */
    HG_EV_REASONING,  /* index of its block; text; id: signature, if any; name: encrypted, if so */
    HG_EV_TOOL_START, /* index, id, name; text: a signature that goes with the call, if any */
    HG_EV_TOOL_ARGS,  /* index, text: a piece of the argument text */
    HG_EV_CITATION,   /* text: JSON, an annotation in OpenAI's form */
    HG_EV_MEDIA,      /* name: mime type, text: base64 */
    HG_EV_USAGE,      /* usage: the whole count so far, not a difference */
    HG_EV_FINISH,  /* finish; name: the provider's own word for it; text: stop sequence, if any */
    HG_EV_ERROR,   /* name: type, text: message */
    HG_EV_EXTRA,   /* name: key, text: JSON that has no place of its own */
    HG_EV_REFUSAL, /* text: what the model says instead of an answer */
    HG_EV_TOOL_END /* index: the arguments are whole */
};

enum {
    HG_FIN_STOP = 1,
    HG_FIN_LENGTH,
    HG_FIN_TOOLS,
    HG_FIN_FILTER,
    HG_FIN_OTHER
};

/* One event of an answer. `choice` and `index` count from 0; other members as the type says. */
typedef struct hg_event {
    uint32_t size, type, choice, index;
    uint32_t finish, reserved;
    hg_str id, name, text;
    const hg_usage *usage;
} hg_event;

/* The same target may do better in a moment. With HG_E_AUTH: a token was refused, and another one
 * is to be had; the host then asks once more at once, within the same attempt. */
#define HG_ERR_RETRY        1u
#define HG_ERR_OTHER_TARGET 2u /* another target may do better */

/* An upstream error in our words. A status of 0 means: as the class says. */
typedef struct hg_error {
    uint32_t size;
    hg_rc code;
    uint32_t http_status, flags;
    hg_str type, message; /* what the provider called and said */
    hg_ns retry_after;    /* 0: it did not say */
} hg_error;

#ifdef __cplusplus
}
#endif
#endif
