#include "simulate/rerank.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "simulate/embedding.h"
#include "simulate/fault.h"
#include "simulate/words.h"

enum {
    DIMENSIONS = 64,
    DOCUMENTS_MAX = 1000
};

struct ranked {
    size_t index;
    double score;
};

static double score_of(const float *query, hg_str text)
{
    float vector[DIMENSIONS];
    double dot = 0;

    embedding_of(text, vector, DIMENSIONS);
    for (size_t i = 0; i < DIMENSIONS; i++)
        dot += (double)query[i] * (double)vector[i];
    return dot < 1 ? (1 + dot) / 2 : 1;
}

static int by_score(const void *a, const void *b)
{
    const struct ranked *one = a, *other = b;

    if (one->score > other->score)
        return -1;
    if (one->score < other->score)
        return 1;
    return one->index < other->index ? -1 : 1;
}

/* A document is a text, or an object with one. */
static hg_str document_words(const json_t *document)
{
    return json_is_string(document)
               ? (hg_str){json_string_value(document), json_string_length(document)}
               : document_member_text(document, "text");
}

static json_t *results_of(const struct ask *ask, const json_t *documents, hg_str query)
{
    size_t count = json_array_size(documents);
    uint64_t top = document_member_number(ask->document, "top_n");
    struct ranked *ranked = xcalloc(DOCUMENTS_MAX, sizeof *ranked);
    bool shows = json_is_true(json_object_get(ask->document, "return_documents"));
    json_t *results = json_array();
    float vector[DIMENSIONS];

    if (count > DOCUMENTS_MAX)
        count = DOCUMENTS_MAX;
    embedding_of(query, vector, DIMENSIONS);
    for (size_t i = 0; i < count; i++)
        ranked[i] =
            (struct ranked){i, score_of(vector, document_words(json_array_get(documents, i)))};
    qsort(ranked, count, sizeof *ranked, by_score);
    for (size_t i = 0; i < count && i < top; i++) {
        json_t *result = json_pack("{s:I, s:f}", "index", (json_int_t)ranked[i].index,
                                   "relevance_score", ranked[i].score);

        if (shows)
            json_object_set_new(result, "document",
                                json_pack("{s:o}", "text",
                                          document_of_text(document_words(
                                              json_array_get(documents, ranked[i].index)))));
        json_array_append_new(results, result);
    }
    free(ranked);
    return results;
}

void rerank_answer(const struct ask *ask, struct reply *reply)
{
    const json_t *documents = json_object_get(ask->document, "documents");
    hg_str query = document_member_text(ask->document, "query");

    if (!query.n || !json_array_size(documents)) {
        fault_refuse(reply, ask->dialect, 400, query.n ? HG_S("documents") : HG_S("query"),
                     HG_S("invalid request: query and documents must be given"));
        return;
    }
    reply_json(reply, json_pack("{s:o, s:o, s:{s:{s:s}, s:{s:i}}}", "id",
                                document_of_text(words_id(ask->arena, "", ask->seed)), "results",
                                results_of(ask, documents, query), "meta", "api_version", "version",
                                "2", "billed_units", "search_units", 1));
}
