/* notes.h - private to openai_responses/: annotations, which are flat here and have a member of
 * their type's name in the chat format (and so in the normal form). */
#pragma once

#include "base/chain.h"
#include "json/index.h"

/* {"type":"url_citation","url":...} as {"type":"url_citation","url_citation":{"url":...}}. */
hg_str responses_note_to_chat(struct arena *arena, hg_json note);

/* And back, with the members that clients insist on. */
void responses_note_put(struct chain *out, hg_json note);
