listen '127.0.0.1:8787' { tls = { cert = 'c.pem' } }
admin ':8788' { token = secret 'ADMIN' }
provider 'openai' { plugin = 'openai', api_key = 'x' .. secret 'KEY', timeouts = { idle = 3 },
  tls = { ca = 'ca.pem', verify = false }, keepalive = false, max_connections = 7 }
cache('memory', { plugin = 'memory', a = { 1, 2.5, { b = true } } })
http 'search' { base_url = 'https://search.example/v1', timeout = '5s', headers = { a = 'b' } }
workers 'auto' drain_timeout '1m' log_level 'warn'
limits { max_body = '1MB', max_header_count = 50 }
lua { cpu_per_resume = '10ms' }
plugin_path 'plugins' ring_size '1MB' shared_size '32MB'
