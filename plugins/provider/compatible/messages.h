/* messages.h - a list of messages as a vendor wants it, where it wants it otherwise. */
#pragma once

#include "draft.h"

/* What is to be done to messages. */
#define MESSAGES_NO_DEVELOPER 0x01u /* the role developer becomes system */
#define MESSAGES_NO_NAMES     0x02u
#define MESSAGES_TEXT         0x04u /* content that is texts alone becomes one text */
#define MESSAGES_NO_NULL      0x08u /* content that is null becomes "" */
#define MESSAGES_SYSTEM_FIRST 0x10u /* system messages become one, before all others */
#define MESSAGES_TURNS        0x20u /* neighbours of one role (user, assistant) become one */

/* Writes the list to `out`; false, and nothing is written, if it may stay as it is. `preface` is a
 * text in JSON's form, without quotes, for a system message before all others; empty: none. */
bool messages_fit(struct draft *out, hg_json messages, uint32_t todo, hg_str preface);

/* The same for tools: takes `strict` off the functions. */
bool tools_fit(struct draft *out, hg_json tools);
