/* Calls of tools, and images: items that nothing is added to but themselves. */
#include "dialect/openai_responses/writer.h"

#include "base/text.h"
#include "json/write.h"

/* Whether the client described the tool as one that takes free text. */
static bool is_custom(const struct dialect_writer *writer, hg_str name)
{
    hg_json tools = json_member(writer->asked, HG_S("tools")), tool;
    hg_json_it it = {{0, 0}};

    while (tools.kind == HG_J_ARR && json_next(tools, &it, NULL, &tool))
        if (json_is(json_member(tool, HG_S("type")), HG_S("custom")) &&
            json_is(json_member(tool, HG_S("name")), name))
            return true;
    return false;
}

static struct output *call_of(const struct dialect_writer *writer, uint32_t index)
{
    struct output *output = writer->outputs;

    while (output && (output->is_closed || output->index != index ||
                      (output->kind != OUTPUT_CALL && output->kind != OUTPUT_CUSTOM)))
        output = output->next;
    return output;
}

void responses_writer_call(struct dialect_writer *writer, const hg_event *event, struct chain *out)
{
    bool custom = is_custom(writer, event->name);
    struct output *output;

    if (call_of(writer, event->index))
        return;
    responses_writer_close_open(writer, out);
    if (!(output = responses_writer_item(writer, custom ? OUTPUT_CUSTOM : OUTPUT_CALL)))
        return;
    output->index = event->index;
    output->call_id = arena_text(writer->arena, event->id);
    output->name = arena_text(writer->arena, event->name);
    output->args = chain_new(writer->arena);
    responses_writer_item_event(writer, output, true, out);
    if (writer->is_stream)
        output->delta_head =
            responses_writer_delta_head(writer, output, NULL,
                                        custom ? "response.custom_tool_call_input.delta"
                                               : "response.function_call_arguments.delta");
}

void responses_writer_args(struct dialect_writer *writer, uint32_t index, hg_str text,
                           struct chain *out)
{
    struct output *output = call_of(writer, index);
    size_t from;

    if (!output || !text.n)
        return;
    from = output->args->len;
    if (output->kind == OUTPUT_CUSTOM) {
        chain_put(output->args, text.p, text.n);
        return;
    }
    json_escape(output->args, text);
    if (writer->is_stream)
        responses_writer_delta(writer, output->delta_head, output->args, from, out);
}

/* The tool was told to others as a function with one argument, which is taken out when it is whole.
 */
static void custom_unwrap(struct dialect_writer *writer, struct output *output, struct chain *out)
{
    hg_str text = chain_flat(output->args, writer->arena);
    hg_json root, input;

    if (json_parse(writer->arena, text, &root, NULL) &&
        (input = json_member(root, HG_S("input"))).kind == HG_J_STR)
        text = json_str(writer->arena, input);
    output->args = chain_new(writer->arena);
    json_escape(output->args, text);
    if (writer->is_stream && text.n)
        responses_writer_delta(writer, output->delta_head, output->args, 0, out);
}

void responses_writer_close_call(struct dialect_writer *writer, struct output *output,
                                 struct chain *out)
{
    bool custom = output->kind == OUTPUT_CUSTOM;

    output->is_closed = true;
    if (custom)
        custom_unwrap(writer, output, out);
    else if (!output->args->len && !output->is_cut)
        CHAIN_PUT_LIT(output->args, "{}");
    if (writer->is_stream) {
        responses_writer_event_begin(writer,
                                     custom ? "response.custom_tool_call_input.done"
                                            : "response.function_call_arguments.done",
                                     out);
        responses_writer_place(output, out);
        JSON_KEY(out, "name");
        json_put_str(out, output->name);
        json_key(out, custom ? HG_S("input") : HG_S("arguments"));
        responses_writer_kept_put(out, output->args);
        responses_writer_event_end(out);
    }
    responses_writer_item_event(writer, output, false, out);
}

void responses_writer_call_end(struct dialect_writer *writer, uint32_t index, struct chain *out)
{
    struct output *output = call_of(writer, index);

    if (output)
        responses_writer_close_call(writer, output, out);
}

void responses_writer_image(struct dialect_writer *writer, hg_str data, struct chain *out)
{
    struct output *output;

    responses_writer_close_open(writer, out);
    if (!(output = responses_writer_item(writer, OUTPUT_IMAGE)))
        return;
    output->is_closed = true;
    responses_writer_item_event(writer, output, true, out);
    output->args = chain_new(writer->arena);
    json_escape(output->args, data);
    if (writer->is_stream) {
        responses_writer_event_begin(writer, "response.image_generation_call.completed", out);
        responses_writer_place(output, out);
        responses_writer_event_end(out);
    }
    responses_writer_item_event(writer, output, false, out);
}
