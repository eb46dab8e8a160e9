-- The smallest gateway that answers. Start it here with
--
--   OPENAI_API_KEY=sk-... headgate run
--
-- and point any OpenAI SDK at http://127.0.0.1:8787/v1.
listen "127.0.0.1:8787"

provider "openai" { plugin = "openai", api_key = secret "OPENAI_API_KEY" }
