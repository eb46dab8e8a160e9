#include "simulate/embedding.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/memory.h"
#include "base/text.h"
#include "simulate/fault.h"
#include "simulate/words.h"

enum {
    DIMENSIONS_USUAL = 1536,
    DIMENSIONS_MAX = 16384,
    INPUTS_MAX = 2048
};

/* Letters and digits in lower case: "Gate," and "gate" are one word. */
static uint64_t word_hash(hg_str word)
{
    uint64_t hash = words_hash((hg_str){0});

    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];

        if (isalnum(c) || c >= 0x80)
            hash = words_mix(hash, (uint64_t)tolower(c));
    }
    return hash;
}

/* Each word pulls the vector its own way. */
void embedding_of(hg_str text, float *vector, size_t dimensions)
{
    double square = 0;

    for (size_t i = 0; i < dimensions; i++)
        vector[i] = 0;
    do {
        uint64_t seed = word_hash(words_next(&text));

        for (size_t i = 0; i < dimensions; i++)
            vector[i] += (float)(int32_t)(words_mix(seed, i) >> 32) / 2147483648.0F;
    } while (text.n);
    for (size_t i = 0; i < dimensions; i++)
        square += (double)vector[i] * (double)vector[i];
    for (size_t i = 0; i < dimensions && square > 0; i++)
        vector[i] = (float)((double)vector[i] / sqrt(square));
}

static size_t dimensions_of(const struct ask *ask, uint64_t wanted)
{
    if (ask->rule->dimensions != UNSET)
        wanted = ask->rule->dimensions;
    if (wanted == UNSET || wanted == 0)
        return DIMENSIONS_USUAL;
    return wanted < DIMENSIONS_MAX ? (size_t)wanted : DIMENSIONS_MAX;
}

/* Little-endian floats in base64, as `encoding_format` asks. */
static json_t *base64_of(const struct ask *ask, const float *vector, size_t dimensions)
{
    return document_of_text(base64_encode(ask->arena, vector, dimensions * sizeof *vector));
}

static json_t *numbers_of(const float *vector, size_t dimensions)
{
    json_t *array = json_array();

    for (size_t i = 0; i < dimensions; i++)
        json_array_append_new(array, json_real((double)vector[i]));
    return array;
}

json_t *embedding_value(const struct ask *ask, hg_str text, uint64_t wanted, bool base64)
{
    size_t dimensions = dimensions_of(ask, wanted);
    float *vector = xcalloc(dimensions, sizeof *vector);

    embedding_of(text, vector, dimensions);
    json_t *value = base64 ? base64_of(ask, vector, dimensions) : numbers_of(vector, dimensions);

    free(vector);
    return value;
}

/* ---- OpenAI's form --------------------------------------------------------------------------- */

/* An input is a text or a list of token numbers, whose JSON text then stands for it. */
static hg_str input_text(const struct ask *ask, const json_t *input)
{
    if (json_is_string(input))
        return (hg_str){json_string_value(input), json_string_length(input)};
    return document_text(ask->arena, input);
}

static uint64_t input_tokens(const json_t *input, hg_str text)
{
    return json_is_array(input) ? json_array_size(input) : words_count(text);
}

static json_t *embedding_object(const struct ask *ask, hg_str text, size_t index)
{
    bool base64 = text_is(document_member_text(ask->document, "encoding_format"), HG_S("base64"));
    uint64_t wanted = document_member_number(ask->document, "dimensions");

    return json_pack("{s:s, s:i, s:o}", "object", "embedding", "index", (int)index, "embedding",
                     embedding_value(ask, text, wanted, base64));
}

/* A list of texts or of lists is several inputs; everything else is one. */
static bool is_several(const json_t *input)
{
    const json_t *first = json_array_get(input, 0);

    return json_is_string(first) || json_is_array(first);
}

static void answer_openai(const struct ask *ask, struct reply *reply)
{
    const json_t *input = json_object_get(ask->document, "input");
    bool several = is_several(input);
    size_t count = several ? json_array_size(input) : 1;
    json_t *data = json_array();
    uint64_t tokens = 0;

    for (size_t i = 0; input && i < count && i < INPUTS_MAX; i++) {
        const json_t *one = several ? json_array_get(input, i) : input;
        hg_str text = input_text(ask, one);

        tokens += input_tokens(one, text);
        json_array_append_new(data, embedding_object(ask, text, i));
    }
    if (json_array_size(data) == 0) {
        json_decref(data);
        fault_refuse(reply, ask->dialect, 400, HG_S("input"),
                     HG_S("Missing required parameter: 'input'."));
        return;
    }
    json_int_t used =
        (json_int_t)(ask->rule->prompt_tokens == UNSET ? tokens : ask->rule->prompt_tokens);
    json_t *document = json_pack("{s:s, s:o, s:o}", "object", "list", "data", data, "model",
                                 document_of_text(ask->model));

    if (!ask->rule->no_usage)
        json_object_set_new(document, "usage",
                            json_pack("{s:I, s:I}", "prompt_tokens", used, "total_tokens", used));
    reply_json(reply, document);
}

void embedding_answer(const struct ask *ask, struct reply *reply)
{
    if (ask->dialect == &dialect_gemini)
        embedding_gemini(ask, reply);
    else if (ask->dialect == &dialect_cohere)
        embedding_cohere(ask, reply);
    else
        answer_openai(ask, reply);
}
