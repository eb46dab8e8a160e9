"""dev/catalogue: what it takes from the lists, and what it says has changed."""

import json
import shutil
import subprocess
import sys

import pytest

from support.places import ROOT, SHARED

LISTS = {
    "gpt-x": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 1000,
              "max_output_tokens": 50, "supports_function_calling": True, "supports_vision": True,
              "deprecation_date": "2027-01-31", "input_cost_per_token": 1e-6},
    "gemini/g-1": {"litellm_provider": "gemini", "mode": "chat", "supports_reasoning": "yes"},
    "groq/old": {"litellm_provider": "groq", "mode": "embedding", "max_tokens": 512},
    "nobody/x": {"litellm_provider": "nobody", "mode": "chat"},
    "groq/bad \"name": {"litellm_provider": "groq", "mode": "chat"},
    "groq/video": {"litellm_provider": "groq", "mode": "video_generation"},
}
MORE = [{"id": "google", "models": [{"id": "g-1", "context_window": 77, "deprecated": True},
                                    {"id": "only-here", "context_window": 5}]}]


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "dev").mkdir()
    (tmp_path / "core/gateway/models").mkdir(parents=True)
    shutil.copy(ROOT / "dev/catalogue", tmp_path / "dev/catalogue")
    for folder in ("litellm", "genai-prices"):
        (tmp_path / "prices" / folder).mkdir(parents=True)
    return tmp_path


def run(tree, *options, lists=None):
    (tree / "prices/litellm/model_prices_and_context_window.json").write_text(
        json.dumps(lists or LISTS))
    (tree / "prices/genai-prices/data.json").write_text(json.dumps(MORE))
    result = subprocess.run([sys.executable, tree / "dev/catalogue", *options, tree / "prices"],
                            capture_output=True, text=True, timeout=60)
    table = tree / "core/gateway/models/catalogue.inc"
    rows = table.read_text().splitlines()[1:] if table.exists() else None
    return result.returncode, result.stdout, rows


def test_figures_of_known_providers_become_rows(tree):
    status, said, rows = run(tree)
    assert status == 0 and said.splitlines()[-1] == "3 added, 0 removed, 0 changed, 3 models"
    assert rows == ['{"google/g-1", 77, 0, "chat t>t", 1},',
                    '{"groq/old", 512, 0, "embedding t>", 0},',
                    '{"openai/gpt-x", 1000, 50, "chat ti>t t", 20270131},']


def test_a_difference_is_shown_and_with_check_nothing_is_written(tree):
    assert run(tree, "--check")[0::2] == (1, None)
    _, _, before = run(tree)
    assert run(tree, "--check")[0] == 0
    newer = {**LISTS, "gpt-x": {**LISTS["gpt-x"], "max_output_tokens": 60},
             "gpt-y": LISTS["gpt-x"]}
    del newer["groq/old"]
    status, said, rows = run(tree, "--check", lists=newer)
    assert status == 1 and rows == before
    assert [line[:2] for line in said.splitlines()[:-1]] == ["+ ", "- ", "~ "]
    assert "openai/gpt-y" in said and "50," in said and "60," in said
    assert said.splitlines()[-1] == "1 added, 1 removed, 1 changed, 3 models"
    assert run(tree, lists=newer)[2] != before


def test_lists_that_are_not_there_are_an_error(tree):
    assert run(tree, "--nonsense")[0] == 2
    result = subprocess.run([sys.executable, tree / "dev/catalogue", tree / "elsewhere"],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and "elsewhere" in result.stderr


def test_the_catalogue_is_what_the_script_makes():
    if not (SHARED / "prices").is_dir():
        pytest.skip("the lists are not here")
    result = subprocess.run([sys.executable, ROOT / "dev/catalogue", "--check", SHARED / "prices"],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout[-2000:]
