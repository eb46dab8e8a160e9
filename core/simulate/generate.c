#include "simulate/generate.h"

#include "base/text.h"
#include "http/frame.h"
#include "simulate/fault.h"
#include "simulate/oddity.h"
#include "simulate/plan.h"
#include "simulate/words.h"

struct generation {
    const struct ask *ask;
    const struct dialect *dialect;
    const struct chat *chat;
    struct dialect_writer *writer;
    struct chain *out;
    uint64_t prompt_tokens, answer_tokens, reasoning_tokens;
    uint32_t choice;
    bool is_cut; /* a choice has no finish */
};

/* ---- events ---------------------------------------------------------------------------------- */

static void put(struct generation *generation, hg_event event)
{
    event.size = sizeof event;
    event.choice = generation->choice;
    generation->dialect->write(generation->writer, &event, generation->out);
}

static void usage_put(struct generation *generation)
{
    hg_usage usage = plan_usage(generation->ask, generation->prompt_tokens,
                                generation->answer_tokens, generation->reasoning_tokens);

    if (!generation->ask->rule->no_usage)
        put(generation, (hg_event){.type = HG_EV_USAGE, .usage = &usage});
}

static void start_put(struct generation *generation, uint32_t kind)
{
    static const struct {
        uint32_t wire;
        const char *prefix;
    } prefixes[] = {
        {HG_WIRE_OPENAI_CHAT, "chatcmpl-"},
        {HG_WIRE_OPENAI_RESPONSES, "resp_"},
        {HG_WIRE_ANTHROPIC, "msg_"},
    };
    const struct ask *ask = generation->ask;
    const char *prefix = "";

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (prefixes[i].wire == generation->dialect->wire)
            prefix = prefixes[i].prefix;
    if (kind == HG_R_COMPLETE)
        prefix = "cmpl-";
    if (generation->dialect == &dialect_openai_chat ||
        generation->dialect == &dialect_openai_responses)
        put(generation,
            (hg_event){.type = HG_EV_EXTRA,
                       .name = HG_S("created"),
                       .text = arena_fmt(ask->arena, "%lld", (long long)ask_moment(ask))});
    usage_put(generation);
    put(generation, (hg_event){.type = HG_EV_START,
                               .id = words_id(ask->arena, prefix, ask->seed),
                               .name = ask->model});
}

/* Word by word, and then what the provider wants to see again. */
static void reasoning_put(struct generation *generation, const struct plan *plan)
{
    hg_str rest = plan->reasoning;

    while (rest.n)
        put(generation, (hg_event){.type = HG_EV_REASONING, .text = words_next(&rest)});
    if (plan->reasoning.n &&
        (generation->dialect == &dialect_anthropic || generation->dialect == &dialect_converse))
        put(generation, (hg_event){.type = HG_EV_REASONING, .id = plan->signature});
}

static void text_put(struct generation *generation, const struct plan *plan)
{
    hg_str rest = plan->text;

    for (uint64_t parts = plan_parts(generation->ask, plan); rest.n && parts; parts--)
        put(generation,
            (hg_event){.type = HG_EV_TEXT, .text = plan_part(&rest, words_count(rest), parts)});
}

/* The arguments come in pieces that end anywhere, though not inside a character. */
static void call_put(struct generation *generation, const struct plan *plan, uint32_t index)
{
    enum {
        PIECE = 7
    };
    const struct plan_call *call = &plan->calls[index];
    bool is_signed = plan->reasoning.n && generation->dialect == &dialect_gemini;
    hg_str rest = call->args;

    put(generation, (hg_event){.type = HG_EV_TOOL_START,
                               .index = index,
                               .id = call->id,
                               .name = call->name,
                               .text = is_signed ? plan->signature : (hg_str){0}});
    while (rest.n) {
        size_t n = rest.n < PIECE ? rest.n : PIECE;

        while (n < rest.n && ((unsigned char)rest.p[n] & 0xc0) == 0x80)
            n++;
        put(generation, (hg_event){.type = HG_EV_TOOL_ARGS, .index = index, .text = {rest.p, n}});
        rest.p += n, rest.n -= n;
    }
    put(generation, (hg_event){.type = HG_EV_TOOL_END, .index = index});
}

static void choice_put(struct generation *generation, hg_str prompt)
{
    const struct ask *ask = generation->ask;
    struct plan plan;

    plan_make(ask, generation->chat, prompt, generation->choice, &plan);
    generation->answer_tokens += plan.tokens;
    generation->reasoning_tokens += words_count(plan.reasoning);
    reasoning_put(generation, &plan);
    text_put(generation, &plan);
    for (uint32_t i = 0; i < plan.call_count; i++)
        call_put(generation, &plan, i);
    usage_put(generation);
    if (!plan.finish && ask->is_stream)
        generation->is_cut = true;
    else
        put(generation, (hg_event){.type = HG_EV_FINISH,
                                   .finish = plan.finish ? plan.finish : HG_FIN_STOP,
                                   .name = ask->rule->finish});
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Every frame of a stream is a piece of its own. */
static void reply_frames(struct reply *reply, const struct dialect *dialect, hg_str bytes)
{
    reply->is_stream = true;
    reply->framing = dialect->framing;
    reply->content_type = dialect->stream_type;
    while (bytes.n) {
        size_t n = frame_first(dialect->framing, bytes);

        if (n == 0 || n > bytes.n)
            n = bytes.n;
        reply_add(reply, (hg_str){bytes.p, n}, true);
        bytes.p += n, bytes.n -= n;
    }
}

/* A stream that lacks its finish ends as it is, but for its mark: a writer would call it failed. */
static void end(struct generation *generation)
{
    const struct dialect *dialect = generation->dialect;

    if (!generation->is_cut)
        dialect->write_end(generation->writer, generation->out);
    else if (dialect->end_mark.n)
        chain_put_const(generation->out, dialect->end_mark.p, dialect->end_mark.n);
}

void generate_write(const struct ask *ask, uint32_t kind, const struct chat *chat,
                    const hg_str *prompts, size_t prompt_count, struct reply *reply)
{
    struct generation generation = {
        .ask = ask, .dialect = ask->dialect, .chat = chat, .out = chain_new(ask->arena)};
    uint64_t each = plan_choices(chat);

    generation.writer = ask->dialect->writer_new(ask->arena, kind, ask->is_stream,
                                                 ask->wants_usage || ask->rule->usage.n > 0);
    if (ask->dialect->writer_asked)
        ask->dialect->writer_asked(generation.writer, ask->doc);
    for (size_t i = 0; i < prompt_count; i++)
        generation.prompt_tokens +=
            kind == HG_R_COMPLETE ? words_count(prompts[i]) : plan_prompt_tokens(ask->arena, chat);
    start_put(&generation, kind);
    for (size_t i = 0; i < prompt_count * each; i++) {
        generation.choice = (uint32_t)i;
        choice_put(&generation, prompts[i / each]);
    }
    end(&generation);
    hg_str bytes = chain_flat(generation.out, ask->arena);

    if (ask->is_stream) {
        reply_frames(reply, ask->dialect, bytes);
    } else {
        reply->content_type = HG_S("application/json");
        reply_add(reply, bytes, false);
    }
    oddity_apply(ask, reply);
}

void generate_answer(const struct ask *ask, struct reply *reply)
{
    struct error error;
    struct chat chat;

    if (!ask->dialect->read_chat(ask->arena, ask->path, ask->doc, &chat, &error)) {
        fault_refuse(reply, ask->dialect, 400, HG_S(""),
                     arena_text(ask->arena, text_of(error.text)));
        return;
    }
    if (!chat.messages) {
        fault_refuse(reply, ask->dialect, 400, HG_S("messages"),
                     HG_S("Missing required parameter: 'messages'."));
        return;
    }
    hg_str prompt = plan_prompt(ask->arena, &chat);

    generate_write(ask, HG_R_CHAT, &chat, &prompt, 1, reply);
}
