/* Citations: what a search found. Those of documents that the client sent have no address, and so
 * no form in other formats. */
#include "base/text.h"
#include "dialect/anthropic/parts.h"
#include "json/write.h"

static void member_copy(struct chain *out, hg_str key, hg_json value)
{
    if (value.kind != HG_J_STR && value.kind != HG_J_NUM)
        return;
    json_key(out, key);
    json_put_raw(out, json_raw(value));
}

/* {"type":"url_citation","url_citation":{"url","title","content"}} */
hg_str anthropic_citation_read(struct arena *arena, hg_json citation)
{
    struct chain *out = chain_new(arena);
    hg_json url = json_member(citation, HG_S("url"));

    if (url.kind != HG_J_STR)
        url = json_member(citation, HG_S("source"));
    if (url.kind != HG_J_STR)
        return HG_S("");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("url_citation"));
    JSON_KEY(out, "url_citation");
    json_obj(out);
    member_copy(out, HG_S("url"), url);
    member_copy(out, HG_S("title"), json_member(citation, HG_S("title")));
    member_copy(out, HG_S("content"), json_member(citation, HG_S("cited_text")));
    json_end(out);
    json_end(out);
    return chain_flat(out, arena);
}

static void string_put(struct chain *out, hg_str key, hg_json value)
{
    json_key(out, key);
    json_put_raw(out, value.kind == HG_J_STR ? json_raw(value) : HG_S("\"\""));
}

hg_str anthropic_citation_write(struct arena *arena, hg_str annotation)
{
    struct chain *out = chain_new(arena);
    hg_json root, citation;

    if (!json_parse(arena, annotation, &root, NULL))
        return HG_S("");
    citation = json_member(root, HG_S("url_citation"));
    if (citation.kind != HG_J_OBJ)
        citation = root;
    if (json_member(citation, HG_S("url")).kind != HG_J_STR)
        return HG_S("");
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("web_search_result_location"));
    string_put(out, HG_S("url"), json_member(citation, HG_S("url")));
    string_put(out, HG_S("title"), json_member(citation, HG_S("title")));
    string_put(out, HG_S("cited_text"), json_member(citation, HG_S("content")));
    JSON_KEY(out, "encrypted_index");
    json_put_str(out, HG_S(""));
    json_end(out);
    return chain_flat(out, arena);
}
