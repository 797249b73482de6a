from __future__ import annotations

import pytest

from monitor.local.environment import server_environment


@pytest.mark.parametrize(
    ("inherited", "added", "expected"),
    [
        pytest.param({"PATH": "/bin"}, {}, {"PATH": "/bin"}, id="inherits"),
        pytest.param({"DISCORD_TOKEN": "t", "DISCORD_": "x"}, {}, {}, id="no Discord settings"),
        pytest.param({"GAMEKEEPER_DATA_DIR": "d", "GAMEKEEPER_RUN": "old"}, {}, {}, id="none of ours"),
        pytest.param({"discord_token": "t"}, {}, {}, id="whatever the case: Windows has none"),
        pytest.param({"MY_DISCORD_TOKEN": "t"}, {}, {"MY_DISCORD_TOKEN": "t"}, id="only by its beginning"),
        pytest.param({"TZ": "UTC"}, {"TZ": "Asia/Seoul"}, {"TZ": "Asia/Seoul"}, id="the server's own wins"),
        pytest.param({}, {"DISCORD_WEBHOOK": "w"}, {"DISCORD_WEBHOOK": "w"}, id="what the owner wrote stays"),
        pytest.param({}, {"GAMEKEEPER_RUN": "forged"}, {}, id="the marker is ours alone"),
    ],
)
def test_the_environment_of_a_server(
    inherited: dict[str, str], added: dict[str, str], expected: dict[str, str]
) -> None:
    assert server_environment(inherited, added, "run-1") == {**expected, "GAMEKEEPER_RUN": "run-1"}
