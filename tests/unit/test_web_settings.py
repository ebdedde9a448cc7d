"""agent.web.settings: what an operator may set for the page, as `parley web` and `doctor` read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import ConfigError, Settings, load_settings


def loaded(folder: Path, **settings: str) -> Settings:
    env_file = folder / ".env"
    lines = (f"{name.upper()}='{text}'\n" for name, text in settings.items())
    env_file.write_text("".join(lines), encoding="utf-8")
    return load_settings(env_file)


def refusal(folder: Path, **settings: str) -> str:
    with pytest.raises(ConfigError) as refused:
        loaded(folder, **settings)
    [sentence] = refused.value.problems
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9091/api/authz/forward-auth",
        "https://login.example.com/check?key=7",
        "http://oauth2_proxy:4180/oauth2/auth",
        "http://[::1]:8000",
    ],
)
def test_the_address_of_a_hook_is_taken_as_it_is(tmp_path: Path, url: str) -> None:
    assert loaded(tmp_path, agent_web_auth_url=url).agent_web_auth_url == url


@pytest.mark.parametrize(
    "url",
    [
        "login.example.com",
        "ftp://login.example.com",
        "http://",
        "http:///check",
        "http://login.example.com:0",
        "http://login.example.com:70000",
        "http://a..b/check",
        "http://[fe80::1%25eth0]/",
        "http://login example.com",
        "https://login.example.com/check#top",
        "https://löschen.example/check",
    ],
)
def test_what_is_no_address_is_refused_in_one_sentence(tmp_path: Path, url: str) -> None:
    sentence = refusal(tmp_path, agent_web_auth_url=url)
    assert sentence.startswith("AGENT_WEB_AUTH_URL: must be an address like https://")


def test_a_hook_has_no_login_of_its_own_in_its_address(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, agent_web_auth_url="https://me:secret@login.example.com")
    assert "must hold no user name and password" in sentence
    assert "secret" not in sentence


def test_a_password_and_a_hook_are_one_too_many(tmp_path: Path) -> None:
    sentence = refusal(
        tmp_path,
        agent_web_auth_url="https://login.example.com/check",
        agent_web_password="a-password-of-some-length",
    )
    assert sentence.startswith("AGENT_WEB_AUTH_URL: there is AGENT_WEB_PASSWORD as well")
    assert "a-password" not in sentence


def test_sites_are_separated_by_commas(tmp_path: Path) -> None:
    listed = " https://shop.example.com, http://localhost:3000 ,http://[::1]:3000,"
    settings = loaded(tmp_path, agent_web_origins=listed)
    assert settings.web_origins == (
        "https://shop.example.com",
        "http://localhost:3000",
        "http://[::1]:3000",
    )
    assert loaded(tmp_path).web_origins == ()


@pytest.mark.parametrize("listed", ["*", "https://shop.example.com,*"])
def test_a_star_for_all_sites_is_refused(tmp_path: Path, listed: str) -> None:
    sentence = refusal(tmp_path, agent_web_origins=listed)
    assert sentence.startswith("AGENT_WEB_ORIGINS: * would let every site call")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "shop.example.com",
        "https://*.example.com",
        "https://shop.example.com/",
        "https://shop.example.com/page",
        "https://shop.example.com?",
        "https://shop.example.com:443",
        "http://shop.example.com:80",
        "http://localhost:",
        "http://localhost:0",
        "http://localhost:03000",
        "https://Shop.example.com",
        "HTTPS://shop.example.com",
        "https://me@shop.example.com",
        "https://bücher.example",
        "http://[0::1]",
        "file://",
    ],
)
def test_an_origin_that_no_browser_would_send_is_refused(tmp_path: Path, origin: str) -> None:
    sentence = refusal(tmp_path, agent_web_origins=origin)
    assert sentence.startswith(f"AGENT_WEB_ORIGINS: {origin!r} is no origin as browsers write it")
