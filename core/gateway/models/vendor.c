#include "gateway/models/vendor.h"

#include "base/text.h"
#include "gateway/config/config.h"

hg_str vendor_of(const struct config_instance *provider)
{
    hg_str vendor = text_of(json_string_value(json_object_get(provider->settings, "vendor")));

    if (!text_is(text_of(provider->plugin), HG_S("compatible")))
        return text_of(provider->plugin);
    return text_is(vendor, HG_S("gemini")) ? HG_S("google") : vendor;
}
