#include "dialect/openai_responses/notes.h"

#include "base/text.h"
#include "json/write.h"

static void members_put(struct chain *out, hg_json note)
{
    hg_json_it it = {{0, 0}};
    hg_json value;
    hg_str key;

    while (note.kind == HG_J_OBJ && json_next(note, &it, &key, &value)) {
        if (json_key_is(key, HG_S("type")) || value.kind == HG_J_NULL)
            continue;
        json_key(out, json_unescape(out->arena, key));
        json_put_raw(out, json_raw(value));
    }
}

hg_str responses_note_to_chat(struct arena *arena, hg_json note)
{
    struct chain *out = chain_new(arena);
    hg_str type = json_str(arena, json_member(note, HG_S("type")));

    if (!type.n || text_is(type, HG_S("type")))
        return json_raw(note);
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, type);
    json_key(out, type);
    json_obj(out);
    members_put(out, note);
    json_end(out);
    json_end(out);
    return chain_flat(out, arena);
}

static void default_put(struct chain *out, hg_json note, hg_str key, hg_str otherwise)
{
    if (json_member(note, key).kind > HG_J_NULL)
        return;
    json_key(out, key);
    json_put_raw(out, otherwise);
}

void responses_note_put(struct chain *out, hg_json note)
{
    hg_str type = json_str(out->arena, json_member(note, HG_S("type")));
    hg_json inner = json_member(note, type);

    if (inner.kind != HG_J_OBJ)
        inner = note;
    json_obj(out);
    JSON_KEY(out, "type");
    json_put_str(out, type.n ? type : HG_S("url_citation"));
    members_put(out, inner);
    if (text_is(type, HG_S("url_citation"))) {
        default_put(out, inner, HG_S("start_index"), HG_S("0"));
        default_put(out, inner, HG_S("end_index"), HG_S("0"));
        default_put(out, inner, HG_S("title"), HG_S("\"\""));
    }
    json_end(out);
}
