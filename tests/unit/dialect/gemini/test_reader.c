/* Answers of Google's servers, in frames and whole, as normalised events. */
#include "dialect/dialect.h"
#include "support/suite.h"
#include "unit/dialect/gemini/answers.h"

static const struct dialect *const dialect = &dialect_gemini;

static struct dialect_reader *reader_new(void)
{
    heard = chain_new(arena);
    return dialect->reader_new(arena, HG_R_CHAT, &(struct dialect_sink){on_event, NULL});
}

static hg_str read_whole(const char *body)
{
    struct dialect_reader *reader = reader_new();

    dialect->reader_whole(reader, arena, parsed(text_of(body)));
    dialect->reader_end(reader);
    return chain_flat(heard, arena);
}

static hg_str read_frames(const char *const *frames)
{
    struct dialect_reader *reader = reader_new();

    for (; *frames; frames++)
        dialect->reader_frame(reader, arena, HG_S(""), text_of(*frames));
    dialect->reader_end(reader);
    return chain_flat(heard, arena);
}

/* pitfalls 19, 35, 136: indexes go on, a signature without text is nothing, STOP is tools */
START_TEST(a_stream_of_thoughts_calls_and_text)
{
    static const char *const frames[] = {
        CANDIDATE("{\"text\":\"hm\",\"thought\":true}", ""),
        CANDIDATE("{\"functionCall\":{\"name\":\"f\",\"args\":{ \"a\" : \"b c\" },\"id\":\"x\"},"
                  "\"thoughtSignature\":\"sig\"}",
                  ""),
        CANDIDATE("{\"functionCall\":{\"name\":\"g\",\"id\":\"y\"}},{\"text\":\"t\"}", ""),
        CANDIDATE("{\"text\":\"\",\"thoughtSignature\":\"sig2\"}", ",\"finishReason\":\"STOP\""),
        CANDIDATE("{\"text\":\"late\"}", ""),
        NULL};

    same(read_frames(frames), "start 0.0 |||0\n"
                              "think 0.0 ||hm|0\n"
                              "call 0.0 x|f|sig|0\n"
                              "args 0.0 ||{\"a\":\"b c\"}|0\n"
                              "end 0.0 |||0\n"
                              "call 0.1 y|g||0\n"
                              "args 0.1 ||{}|0\n"
                              "end 0.1 |||0\n"
                              "text 0.0 ||t|0\n"
                              "finish 0.0 |STOP||3\n");
}
END_TEST

/* pitfalls 141, 144, 145 */
START_TEST(thoughts_are_added_to_the_output_unless_they_are_in_it)
{
    read_whole("{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,"
               "\"toolUsePromptTokenCount\":5,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":4,"
               "\"totalTokenCount\":22,\"cachedContentTokenCount\":2}}");
    ck_assert_uint_eq(usage.input, 15);
    ck_assert_uint_eq(usage.output, 7);
    ck_assert_uint_eq(usage.reasoning, 4);
    ck_assert_uint_eq(usage.cached_input, 2);
    read_whole("{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,"
               "\"candidatesTokenCount\":7,\"thoughtsTokenCount\":4,\"totalTokenCount\":17}}");
    ck_assert_uint_eq(usage.output, 7);
    read_whole("{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":10,"
               "\"thoughtsTokenCount\":4,\"totalTokenCount\":14}}");
    ck_assert_uint_eq(usage.output, 4);
}
END_TEST

/* pitfall 161 */
START_TEST(answers_without_candidates_content_or_parts)
{
    same(read_whole("{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}"),
         "start 0.0 |||0\nfinish 0.0 |SAFETY||4\n");
    same(read_whole("{\"candidates\":[{\"finishReason\":\"MAX_TOKENS\"}]}"),
         "start 0.0 |||0\nfinish 0.0 |MAX_TOKENS||2\n");
    same(read_whole("{\"candidates\":[{\"content\":{},\"finishReason\":\"RECITATION\"}]}"),
         "start 0.0 |||0\nfinish 0.0 |RECITATION||4\n");
    same(read_whole("{\"candidates\":[]}"), "start 0.0 |||0\n");
    same(read_whole("{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\","
                    "\"finishMessage\":\"m\"}]}"),
         "start 0.0 |||0\nerror 0.0 |api_error|m|0\n");
    same(read_whole("{\"hello\":1}"),
         "error 0.0 |upstream_protocol_error|an event without candidates|0\n");
    same(read_whole("[]"), "error 0.0 |upstream_protocol_error|an answer that is no object|0\n");
}
END_TEST

START_TEST(a_list_is_read_like_events)
{
    same(read_whole("[" CANDIDATE("{\"text\":\"a\"}", "") ",\r\n" CANDIDATE(
             "{\"text\":\"b\"}", ",\"finishReason\":\"STOP\"") "]"),
         "start 0.0 |||0\ntext 0.0 ||a|0\ntext 0.0 ||b|0\nfinish 0.0 |STOP||1\n");
    same(read_whole("[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\"}"
                    "}]"),
         "error 0.0 |rate_limit_error|m|0\n");
}
END_TEST

START_TEST(images_and_choices)
{
    same(
        read_whole("{\"candidates\":[{\"index\":1,\"content\":{\"parts\":[{\"inlineData\":{"
                   "\"mimeType\":\"image/png\",\"data\":\"QQ==\"}}]},\"finishReason\":\"STOP\"}]}"),
        "start 0.0 |||0\nmedia 1.0 |image/png|QQ==|0\nfinish 1.0 |STOP||1\n");
}
END_TEST

/* pitfall 181: sources come before the finish. Offsets are bytes there and characters here. */
START_TEST(sources_become_annotations)
{
    static const char *const frames[] = {
        CANDIDATE("{\"text\":\"\xC3\xA4\xE2\x82\xAC\"}",
                  ",\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"u\",\"title\":"
                  "\"t\"}}],\"groundingSupports\":[{\"segment\":{\"startIndex\":2,\"endIndex\":5},"
                  "\"groundingChunkIndices\":[0,7]}]}"),
        CANDIDATE(
            "{\"text\":\"x\"}",
            ",\"finishReason\":\"STOP\",\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{"
            "\"uri\":\"u\",\"title\":\"t\"}}],\"groundingSupports\":[{\"segment\":{"
            "\"startIndex\":2,\"endIndex\":5},\"groundingChunkIndices\":[0]},{\"segment\":{"
            "\"endIndex\":6},\"groundingChunkIndices\":[0]}]}"),
        NULL};

    same(read_frames(frames),
         "start 0.0 |||0\ntext 0.0 ||\xC3\xA4\xE2\x82\xAC|0\n"
         "citation 0.0 ||{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\",\"title\":"
         "\"t\",\"start_index\":1,\"end_index\":2}}|0\n"
         "text 0.0 ||x|0\n"
         "citation 0.0 ||{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"u\",\"title\":"
         "\"t\",\"start_index\":0,\"end_index\":3}}|0\n"
         "finish 0.0 |STOP||1\n");
}
END_TEST

RUN_SUITE_WITH("dialect/gemini/reader", setup, teardown, a_stream_of_thoughts_calls_and_text,
               thoughts_are_added_to_the_output_unless_they_are_in_it,
               answers_without_candidates_content_or_parts, a_list_is_read_like_events,
               images_and_choices, sources_become_annotations)
