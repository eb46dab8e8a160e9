/* vendor.h - whose API a provider of the configuration is. */
#pragma once

#include <headgate/abi.h>

struct config_instance;

/* As the catalogue names it: the plugin, or the vendor that the plugin `compatible` is told of. */
hg_str vendor_of(const struct config_instance *provider);
