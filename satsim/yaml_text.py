"""YAML 1.2 as plain data, its keys texts, or an error that names file and line.

By ruamel.yaml: PyYAML reads `1e3` as text and takes the last of two equal keys without a word.
"""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode

from satsim.complaints import cut
from satsim.errors import ScenarioError

MOST_VALUES = 100_000  # of a file: ten thousand windows are 30,000
TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


class _BadKeyError(MarkedYAMLError):
    """A key that no scenario has; `problem` is what was found, `context` what is allowed."""


class _TextKeys(Composer):
    """Refuses keys that are no texts before anything is made of them, and with them merge keys.

    A few lines of merges of merges take for ever, and `extends` merges files.
    """

    def compose_mapping_node(self, anchor: Any) -> Any:
        node: MappingNode = super().compose_mapping_node(anchor)
        for key, _ in node.value:
            if key.tag != TEXT:
                named = cut(key.value) if isinstance(key, ScalarNode) else "of several values"
                found, allowed = f"key {named or 'null'}, which is no text", "keys that are texts"
                if key.tag == MERGE:
                    found, allowed = "merge key <<", "each key where it holds, or `extends` for a file's keys"
                raise _BadKeyError(allowed, None, found, key.start_mark)
        return node


def parsed(text: str, source: str) -> Any:
    """Return what a text in YAML says; raises ScenarioError naming `source`."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _TextKeys
    try:
        content = yaml.load(text)
    except _BadKeyError as error:
        raise ScenarioError(_at(source, error), "", str(error.problem), str(error.context)) from None
    except DuplicateKeyError as error:
        found = (error.problem or "a key twice").removeprefix("found ").partition(" with value")[0]
        raise ScenarioError(_at(source, error), "", found, "each key once") from None
    except MarkedYAMLError as error:
        why = ", ".join(part for part in (error.context, error.problem) if part)
        raise ScenarioError(_at(source, error), "", f"broken syntax ({why})", "YAML 1.2") from None
    except (YAMLError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        # of its own, or Python's of a value that is not what its tag says
        why = cut(str(error).partition("\n")[0] or type(error).__name__)
        raise ScenarioError(source, "", f"broken syntax ({why})", "YAML 1.2") from None
    if _values_in(content) > MOST_VALUES:
        found = "too many values, as of an anchor within itself or of anchors of anchors"
        raise ScenarioError(source, "", found, f"at most {MOST_VALUES}")
    return content


def _values_in(content: Any) -> int:
    """Count the values, an alias as what it stands for: a few lines can be billions. Stop at too many."""
    count, left = 0, [content]
    while left and count <= MOST_VALUES:
        count += 1
        value = left.pop()
        left += value.values() if isinstance(value, dict) else value if isinstance(value, list | set) else ()
    return count


def _at(source: str, error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return source if mark is None else f"{source}, line {mark.line + 1}"
