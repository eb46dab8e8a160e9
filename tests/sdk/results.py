"""What was found, for docs/compatibility.md: a line of JSON for each SDK, provider and scenario in
the file that HEADGATE_RESULTS names."""

import contextlib
import json
import os


class LIMITS:
    """What an SDK cannot do by itself, with whatever is behind it."""

    @staticmethod
    def apply(sdk, provider, scenario):
        # It wants the function's name in every piece of a call, which OpenAI tells once; the
        # scripted provider of OpenAI's own format sends whole calls.
        return (sdk == "mistralai" and provider != "openai_chat"
                and scenario in ("call_stream", "calls_stream", "both_stream", "result_stream"))


class Results:
    def __init__(self):
        self.path = os.environ.get("HEADGATE_RESULTS")

    def add(self, sdk, language, provider, scenario, passed):
        if self.path:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": "sdk", "sdk": sdk, "language": language,
                                       "provider": provider, "scenario": scenario,
                                       "passed": passed}) + "\n")

    @contextlib.contextmanager
    def of(self, sdk, language, provider, scenario):
        try:
            yield
        except BaseException:
            self.add(sdk, language, provider, scenario, False)
            raise
        self.add(sdk, language, provider, scenario, True)
