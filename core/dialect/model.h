/* model.h - what the name of a model says about it. */
#pragma once

#include <stdbool.h>

#include <headgate/abi.h>

/* A reasoning model of OpenAI's ("o3", "gpt-5.1", "openai/gpt-5"): it takes no sampling
 * parameters, and its token limit under the new name only. */
bool model_of_openai_reasons(hg_str model);
