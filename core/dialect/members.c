#include "dialect/members.h"

#include "base/text.h"
#include "json/index.h"

static void place(const struct member *member, struct arena *arena, struct chat *chat,
                  hg_json value)
{
    void *at = (char *)chat + member->at;

    switch (member->kind) {
    case MEMBER_NUMBER:
        *(hg_str *)at = chat_number(value);
        break;
    case MEMBER_WORD:
        *(hg_str *)at = chat_word(arena, value);
        break;
    case MEMBER_RAW:
        *(hg_str *)at = chat_raw(value);
        break;
    case MEMBER_TEXT:
        if (value.kind == HG_J_STR)
            *(struct chat_text *)at = chat_text_of(value);
        break;
    case MEMBER_FLAG:
        *(enum chat_flag *)at = chat_flag_of(value);
        break;
    case MEMBER_YES:
        *(bool *)at = json_is_yes(value);
        break;
    case MEMBER_EXTRA:
        chat_add_extra(arena, chat, text_of(member->key), value, true);
        break;
    case MEMBER_END:
    case MEMBER_OTHER:
    case MEMBER_SKIP:
        break;
    }
}

bool members_read(const struct member *table, struct arena *arena, struct chat *chat,
                  struct reading *reading, hg_json object)
{
    hg_json_it it = {{0, 0}};
    const struct member *member;
    hg_json value;
    hg_str key;

    while (object.kind == HG_J_OBJ && json_next(object, &it, &key, &value)) {
        for (member = table; member->key && !json_key_is(key, text_of(member->key)); member++)
            continue;
        if (!member->key)
            chat_add_extra(arena, chat, json_unescape(arena, key), value, false);
        else if (member->kind == MEMBER_OTHER && !member->read(reading, value))
            return false;
        else if (value.kind != HG_J_NULL)
            place(member, arena, chat, value);
    }
    return true;
}
