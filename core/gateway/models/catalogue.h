/* catalogue.h - what is known of the models of well-known providers: figures out of public lists,
 * written into catalogue.inc by dev/catalogue and compiled in. A look-up is a binary search over
 * constants: nothing is read at a start, nothing can be missing, all processes share the pages. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <headgate/abi.h>

struct chain;

struct model_facts {
    char name[88];            /* "openai/gpt-4o"; no pointer, so that nothing is relocated */
    uint32_t context, output; /* most tokens in and out; 0: not known */

    /* "KIND IN>OUT SKILLS": chat, completion, responses (at that endpoint only), embedding, rerank,
     * moderation, image, transcription, speech or realtime; letters of what goes in and comes out
     * (text, image, audio, video, file); letters of what it can do, see catalogue_put. */
    char traits[36];
    uint32_t deprecated; /* 20261231: when it goes; 1: it goes, or has gone; 0: nothing is known */
};

/* `vendor` as the catalogue names providers ("openai", "google", "groq"); a model that it does not
 * have of that vendor, or any of an empty one, is looked up by its own name: a maker and a slash in
 * it ("openai/gpt-4o" at a router), or among the makers of models. Dated names are found without
 * their date. NULL if it is not known. */
const struct model_facts *catalogue_find(hg_str vendor, hg_str model);

/* The nearest name of a model of that vendor, if one is near enough to be meant; without vendor. */
const char *catalogue_suggest(hg_str vendor, hg_str model);

bool catalogue_has_vendor(hg_str vendor);

/* The kind as text: "chat". */
hg_str catalogue_kind(const struct model_facts *facts);

/* Writes members of an object: kind, modalities, capabilities and, if it is known, deprecated. */
void catalogue_put(const struct model_facts *facts, struct chain *out);
