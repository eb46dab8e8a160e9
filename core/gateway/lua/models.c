/* s.models(): the list of models, as an answer. */
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/lua/parts.h"
#include "gateway/models/listing.h"
#include "gateway/models/offers.h"

/* host.offers(names) at load time: of which providers; nil: of all. */
static int host_offers(lua_State *L)
{
    struct gateway *gateway = lua_gateway(L);
    bool *wanted = arena_zalloc(gateway->arena, offers_count(gateway->offers) + 1);
    bool all = lua_isnoneornil(L, 1);

    for (size_t i = 0; i < offers_count(gateway->offers); i++)
        wanted[i] = all;
    for (lua_Integer at = 1; !all && lua_rawgeti(L, 1, at) != LUA_TNIL; at++, lua_pop(L, 1)) {
        hg_str name = lua_text_at(L, -1);
        bool found = false;

        for (size_t i = 0; i < offers_count(gateway->offers); i++)
            if (text_is(name, text_of(offers_of(gateway->offers, i).provider->config->name)))
                found = wanted[i] = true;
        if (!found)
            return luaL_error(L, "there is no provider '%s'", luaL_tolstring(L, -1, NULL));
    }
    lua_push_named(L, "list of models", wanted);
    return 1;
}

struct asking {
    struct offers_waiter waiter;
    struct routine_handle routine;
    struct request *request;
};

static int push_listing(lua_State *L, void *arg)
{
    struct asking *asking = arg;
    struct request *request = asking->request;
    struct answer *answer = listing_answer(request, asking->waiter.wanted);

    if (answer) {
        lua_push_response(L, answer);
        return 1;
    }
    return lua_push_failure(
        L, &(struct fault){.kind = FAULT_BAD_REQUEST,
                           .status = 404,
                           .code = HG_S("model_not_found"),
                           .message = arena_fmt(request->arena, "there is no model '%.*s'",
                                                TEXT_ARG(listing_model(request)))});
}

static void on_known(struct offers_waiter *waiter)
{
    struct asking *asking = (struct asking *)waiter; /* its first member */

    waiter->on_known = NULL; /* there is nothing to cancel any more */
    routine_wake(asking->routine, push_listing, asking);
}

static void asking_cancel(void *arg)
{
    struct asking *asking = arg;

    if (asking->waiter.on_known)
        offers_cancel(&asking->waiter);
}

/* host.models(list, req): resp, or nil and an error. */
static int host_models(lua_State *L)
{
    struct gateway *gateway = lua_gateway(L);
    const bool *wanted = lua_check_named(L, 1, "list of models");
    const struct shape *shape;
    struct request *request = lua_check_request(L, 2, &shape);

    routine_check_wait(L);
    engine_charge(L, sizeof(struct asking));
    struct asking *asking = arena_zalloc(request->arena, sizeof *asking);

    asking->request = request;
    asking->waiter.wanted = wanted;
    asking->waiter.on_known = on_known;
    asking->routine = routine_handle(routine_of(L));
    if (offers_ask(gateway->offers, &asking->waiter))
        return push_listing(L, asking);
    return routine_wait(L, asking_cancel, asking);
}

/* host.passes_models(req): is the only provider's own list the best answer? */
static int host_passes_models(lua_State *L)
{
    const struct shape *shape;

    lua_pushboolean(L, listing_passes(lua_check_request(L, 1, &shape)));
    return 1;
}

const luaL_Reg lua_models_functions[] = {{"offers", host_offers},
                                         {"models", host_models},
                                         {"passes_models", host_passes_models},
                                         {NULL, NULL}};
