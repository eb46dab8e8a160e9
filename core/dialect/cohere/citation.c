/* Citations: a piece of the text, and the documents or results of tools that it is drawn from. In
 * OpenAI's form they point at pages. Both count characters. */
#include "base/text.h"
#include "dialect/cohere/parts.h"
#include "json/write.h"

static bool is_url(hg_json value)
{
    hg_str raw = json_raw_str(value);

    return text_starts(raw, HG_S("https://")) || text_starts(raw, HG_S("http://")) ||
           text_starts(raw, HG_S("https:\\/\\/")) || text_starts(raw, HG_S("http:\\/\\/"));
}

/* The document or result of a source, which may say where it is from. */
static hg_json source_body(hg_json source)
{
    hg_json body = json_member(source, HG_S("document"));

    if (body.kind != HG_J_OBJ)
        body = json_member(source, HG_S("tool_output"));
    if (json_member(body, HG_S("data")).kind == HG_J_OBJ)
        body = json_member(body, HG_S("data"));
    return body;
}

static hg_json source_url(hg_json source, hg_json body)
{
    hg_json url = json_member(body, HG_S("url"));

    return is_url(url) ? url : json_member(source, HG_S("id"));
}

static void annotation_put(struct arena *arena, hg_json citation, hg_json url, hg_json title,
                           struct chain *out)
{
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("url_citation"));
    JSON_KEY(out, "url_citation");
    json_obj(out);
    JSON_KEY(out, "url");
    json_put_str(out, json_str(arena, url));
    if (title.kind == HG_J_STR) {
        JSON_KEY(out, "title");
        json_put_raw(out, json_raw(title));
    }
    JSON_KEY(out, "start_index");
    json_put_i64(out, json_i64(json_member(citation, HG_S("start")), 0));
    JSON_KEY(out, "end_index");
    json_put_i64(out, json_i64(json_member(citation, HG_S("end")), 0));
    json_end(out);
    json_end(out);
}

size_t cohere_citation_read(struct arena *arena, hg_json citation, struct chain *out)
{
    hg_json sources = json_member(citation, HG_S("sources")), source;
    hg_json_it it = {{0, 0}};
    size_t count = 0;

    while (sources.kind == HG_J_ARR && json_next(sources, &it, NULL, &source)) {
        hg_json body = source_body(source), url = source_url(source, body);

        if (!is_url(url))
            continue;
        annotation_put(arena, citation, url, json_member(body, HG_S("title")), out);
        count++;
    }
    return count;
}

static void number_put(struct chain *out, hg_str key, hg_json value)
{
    json_key(out, key);
    json_put_i64(out, json_i64(value, 0));
}

bool cohere_citation_write(struct arena *arena, hg_str annotation, struct chain *out)
{
    hg_json doc, about, url, title;

    if (!json_parse(arena, arena_text(arena, annotation), &doc, NULL))
        return false;
    about = json_member(doc, HG_S("url_citation"));
    url = json_member(about, HG_S("url"));
    title = json_member(about, HG_S("title"));
    if (url.kind != HG_J_STR)
        return false;
    json_obj(out);
    number_put(out, HG_S("start"), json_member(about, HG_S("start_index")));
    number_put(out, HG_S("end"), json_member(about, HG_S("end_index")));
    JSON_KEY(out, "sources");
    json_arr(out);
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("document"));
    JSON_KEY(out, "id");
    json_put_raw(out, json_raw(url));
    JSON_KEY(out, "document");
    json_obj(out);
    JSON_KEY(out, "url");
    json_put_raw(out, json_raw(url));
    if (title.kind == HG_J_STR) {
        JSON_KEY(out, "title");
        json_put_raw(out, json_raw(title));
    }
    json_end(out);
    json_end(out);
    json_end(out);
    JSON_KEY(out, "type");
    json_put_str(out, HG_S("TEXT_CONTENT"));
    json_end(out);
    return true;
}
