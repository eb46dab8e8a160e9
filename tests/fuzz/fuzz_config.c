/* Evaluates any text as a configuration. What loads must come back the same from its document. */
#include <stdint.h>

#include "base/ensure.h"

#include "gateway/config/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct config *config)
{
    struct error error;
    json_t *document = config_to_json(config);
    struct config *again = config_from_json(document, &error);

    ensure(again != NULL);
    json_t *twice = config_to_json(again);

    ensure(json_equal(document, twice));
    json_decref(document);
    json_decref(twice);
    config_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {{0}};
    struct config *config = config_new("headgate.lua", "/nonexistent");
    json_t *declarations =
        config_evaluate("headgate.lua", (hg_str){(const char *)data, size}, &error);

    if (declarations && config_read(config, declarations, &error))
        round_trip(config);
    else
        ensure(strncmp(error.text, "headgate.lua:", 13) == 0 && !strchr(error.text, '\n'));
    json_decref(declarations);
    config_free(&config);
    return 0;
}
