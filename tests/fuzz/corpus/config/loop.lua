for i, name in ipairs { 'a', 'b' } do guard(name) { plugin = ('p%d'):format(i) } end
listen('[::1]:' .. math.floor(8787.5)) local t = { secret { file = 'f' } }
