"""Rules of the repository itself: what its files may name, and that they name only what exists."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")

# Everything is installed from wherever the reader's own package client is set up to look.
PACKAGE_HOSTS = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|anaconda|conda|crates|docker|ghcr|quay|debian|ubuntu|golang)\.(?:org|com|io)\b"
)
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:root/\.|work(?:space)?/|home/\w+/|Users/\w+/)|file:/{3}")
# Newer zone rules are always the right ones.
WITHOUT_UPPER_BOUND = {"tzdata"}


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that git keeps or would keep; in an unpacked archive, every file outside hidden folders."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        files = [ROOT / name for name in listed.split("\0") if name]
    else:
        kept = [entry for entry in ROOT.iterdir() if entry.name not in {".venv", ".churn"}]
        files = [file for entry in kept for file in (entry, *entry.rglob("*"))]
    return tuple(file for file in files if file.is_file())


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="ignore")


def lines_with(pattern: re.Pattern[str], files: Iterable[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{number}: {match[0]}"
        for file in files
        for number, line in enumerate(text_of(file).splitlines(), 1)
        if (match := pattern.search(line))
    ]


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads(text_of(ROOT / "pyproject.toml"))


def requirements(*extras: str) -> list[Requirement]:
    project = pyproject()["project"]
    listed = list(project["dependencies"])
    for extra in extras:
        listed += project["optional-dependencies"][extra]
    return [Requirement(line) for line in listed]


def build_requirements() -> list[Requirement]:
    return [Requirement(line) for line in pyproject()["build-system"]["requires"]]


def every_requirement() -> list[Requirement]:
    return requirements("dashboard", "embedded", "dev") + build_requirements()


def locked(lock: str) -> dict[str, tuple[str, int]]:
    """Return each locked package's version and number of hashes."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in text_of(ROOT / lock).splitlines():
        if match := re.match(r"^([A-Za-z0-9._-]+)==([^\s;]+)", line):
            name = canonicalize_name(match[1])
            found[name] = (match[2], 0)
        elif re.match(r"^\s+--hash=sha256:[0-9a-f]{64}( \\)?$", line):
            found[name] = (found[name][0], found[name][1] + 1)
        else:
            assert re.match(r"^\s*#|^$", line), f"{lock}: what is {line!r}?"
    return found


def test_no_file_names_a_package_host() -> None:
    assert lines_with(PACKAGE_HOSTS, repository_files()) == []


def test_nothing_that_installs_names_an_address() -> None:
    named = [".ci/run", ".pre-commit-config.yaml", "Dockerfile", "Makefile", "pyproject.toml", *LOCKS]
    files = [ROOT / name for name in named] + sorted((ROOT / "scripts").iterdir())
    assert lines_with(re.compile(r"https?://"), files) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert lines_with(MACHINE_PATHS, repository_files()) == []
    if len(ROOT.parts) > 2:
        assert lines_with(re.compile(re.escape(f"{ROOT}/")), repository_files()) == []


@pytest.mark.parametrize("requirement", every_requirement(), ids=lambda requirement: requirement.name)
def test_a_dependency_has_bounds_on_both_sides(requirement: Requirement) -> None:
    operators = {specifier.operator for specifier in requirement.specifier}
    assert ">=" in operators
    assert "<" in operators or requirement.name in WITHOUT_UPPER_BOUND


def test_the_decision_on_dependencies_lists_exactly_those_that_pyproject_has() -> None:
    rows = text_of(ROOT / "docs/decisions/0001-dependencies.md").splitlines()
    explained = [match[1] for row in rows if (match := re.match(r"^\| ([a-z0-9-]+) \| \S", row))]
    names = [requirement.name for requirement in every_requirement()]
    assert sorted(name for name in explained if name not in {"runtime", "build"}) == sorted(names)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_of_a_lock_has_hashes(lock: str) -> None:
    entries = locked(lock)
    assert entries
    assert [name for name, (_, hashes) in entries.items() if not hashes] == []


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", requirements("dashboard", "embedded")),
        ("requirements-build.lock", build_requirements()),
        ("requirements-dev.lock", every_requirement()),
    ],
    ids=LOCKS,
)
def test_a_lock_holds_what_pyproject_asks_for(lock: str, wanted: list[Requirement]) -> None:
    entries = locked(lock)
    for requirement in wanted:
        version, _ = entries.get(canonicalize_name(requirement.name), ("nothing", 0))
        complaint = f"{lock} has {version} for {requirement}: run `make lock`"
        assert version != "nothing", complaint
        assert requirement.specifier.contains(version), complaint


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_development_lock_holds_the_other_locks_unchanged(lock: str) -> None:
    assert locked(lock).items() <= locked("requirements-dev.lock").items()


@pytest.mark.parametrize(
    ("says", "ends", "code", "message"),
    [
        ("No known vulnerabilities found", 0, 0, "nothing is known against"),
        ("Found 2 known vulnerabilities in 1 package", 1, 1, "takes newer versions"),
        ("requests.exceptions.ConnectionError: nobody there", 1, 2, "could not be asked"),
    ],
)
def test_an_audit_that_could_not_ask_does_not_look_like_a_good_one(
    tmp_path: Path, says: str, ends: int, code: int, message: str
) -> None:
    auditor = tmp_path / "auditor"
    auditor.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {ends}\n")
    auditor.chmod(0o755)
    environment = {**os.environ, "PIP_AUDIT": str(auditor)}
    done = subprocess.run(["sh", "scripts/audit.sh"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, message in done.stdout + done.stderr) == (code, True), done.stderr


def test_what_bandit_is_told_to_pass_over_says_why() -> None:
    pattern = re.compile(r"# nosec(?! B\d{3}(, B\d{3})* # \S.*)")
    files = [file for file in repository_files() if file.suffix == ".py" and file != Path(__file__)]
    assert lines_with(pattern, files) == []


@cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text_of(ROOT / "docker-compose.yml"))
    return loaded


def own_services() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in compose()["services"].items() if "build" in service}


def dockerfile() -> str:
    return text_of(ROOT / "Dockerfile")


def words_of(instruction: str) -> list[list[str]]:
    """The JSON form of every instruction of a kind in the Dockerfile."""
    found = re.findall(rf"^{instruction}.*?(\[.*\])$", dockerfile(), re.MULTILINE)
    return [json.loads(words) for words in found]


def assert_is_a_command(words: list[str]) -> None:
    """Say that `churn WORDS…` is a command with these options."""
    from typer.main import get_command

    from churn.cli import app

    command: Any = get_command(app)
    for word in words:
        if word.startswith("--"):
            assert word == "--help" or any(word in parameter.opts for parameter in command.params), words
        else:
            assert word in getattr(command, "commands", {}), words
            command = command.commands[word]


def folder_in_the_image() -> str:
    return re.findall(r"^WORKDIR (\S+)$", dockerfile(), re.MULTILINE)[-1]


def test_compose_has_a_warehouse_a_source_the_migration_a_scheduler_and_a_dashboard() -> None:
    services = compose()["services"]
    assert list(services) == ["warehouse", "source", "migrate", "scheduler", "dashboard"]
    assert services["source"]["profiles"] == ["practice"]
    assert services["dashboard"]["profiles"] == ["dashboard"]
    assert services["migrate"]["depends_on"] == {"warehouse": {"condition": "service_healthy"}}
    assert services["scheduler"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "test" in services[name]["healthcheck"]


def test_the_commands_in_compose_and_dockerfile_exist() -> None:
    assert words_of("ENTRYPOINT") == [["churn"]]
    for words in words_of("CMD"):
        assert_is_a_command(words)
    (health,) = words_of("HEALTHCHECK")
    assert health == ["churn", "scheduler", "--healthy"]
    assert_is_a_command(health[1:])
    for service in own_services().values():
        assert_is_a_command(service["command"])
    for line in re.findall(r"docker compose run --rm (.+)$", text_of(ROOT / "docker-compose.yml"), re.MULTILINE):
        name, *words = line.split()
        assert name in own_services()
        assert_is_a_command(words)


def test_the_environment_of_our_containers_is_a_configuration_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from churn.config import load_settings

    for name, service in own_services().items():
        for variable, value in service["environment"].items():
            if variable.endswith("_FILE"):
                secret = tmp_path / Path(value).name
                secret.write_text("postgresql://clerk@db/shop")
                assert value == f"/run/secrets/{secret.name}"
                assert secret.name in service["secrets"], name
                value = str(secret)
            monkeypatch.setenv(variable, value)
        settings = load_settings(folder=tmp_path)
        assert settings.warehouse.url is not None
        assert (settings.source.url is None) == (name == "dashboard")
        assert (settings.dashboard.token is None) == (name != "dashboard")
        for variable in service["environment"]:
            monkeypatch.delenv(variable)


def test_the_ports_in_compose_are_those_that_something_listens_on() -> None:
    services = compose()["services"]
    listening = {
        "warehouse": "5432",
        "scheduler": services["scheduler"]["environment"]["CHURN_SCHEDULE__PORT"],
        "dashboard": services["dashboard"]["environment"]["CHURN_DASHBOARD__PORT"],
    }
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == set(listening)
    for name, ports in published.items():
        (port,) = ports
        assert re.fullmatch(rf"127\.0\.0\.1:\$\{{[A-Z_]+:-\d+\}}:{listening[name]}", port), port


def test_compose_mounts_what_the_program_looks_for_where_it_looks() -> None:
    from churn.config import CONFIG_FILE
    from churn.config.sections import HOME_FOLDER
    from churn.init import SOURCE_FOLDER

    folder = folder_in_the_image()
    for name, service in own_services().items():
        bound = [volume for volume in service["volumes"] if isinstance(volume, dict)]
        mapping = [] if name == "dashboard" else [f"{folder}/{SOURCE_FOLDER}"]
        assert [volume["target"] for volume in bound] == [f"{folder}/{CONFIG_FILE}", *mapping]
        assert all(volume["read_only"] for volume in bound)
        assert (f"state:{folder}/{HOME_FOLDER}" in service["volumes"]) == (name != "dashboard")
    assert f"chown churn:churn {folder}/{HOME_FOLDER}" in dockerfile()
    for service in compose()["services"].values():
        named = {volume.split(":")[0] for volume in service["volumes"] if isinstance(volume, str)}
        assert named <= set(compose()["volumes"])


def test_every_secret_is_a_file_that_the_head_of_compose_explains() -> None:
    head = text_of(ROOT / "docker-compose.yml").split("\nx-")[0]
    for name, secret in compose()["secrets"].items():
        assert secret["file"] == f"${{SECRETS_FOLDER:-./secrets}}/{name}"
        assert re.search(rf"^#   {name}  ", head, re.MULTILINE)
    for service in compose()["services"].values():
        assert set(service.get("secrets", [])) <= set(compose()["secrets"])
        for variable, value in service["environment"].items():
            assert not re.search("PASSWORD$|URL$|SECRET$|TOKEN$|KEY$", variable), variable
            assert not variable.endswith("_FILE") or value.removeprefix("/run/secrets/") in service["secrets"]
    assert "/secrets/" in text_of(ROOT / ".gitignore").splitlines()


def test_every_variable_of_compose_is_explained_with_its_default() -> None:
    text = text_of(ROOT / "docker-compose.yml")
    head = text.split("\nx-")[0]
    named = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)(?::-([^}]*))?\}", text))
    assert {name for name, _ in named} == {
        "SECRETS_FOLDER", "MAPPING_FOLDER", "WAREHOUSE_PORT", "METRICS_PORT", "DASHBOARD_PORT",
    }  # fmt: skip
    for name, default in named:
        assert name in head
        assert default in head or default == "."


def test_containers_have_as_few_rights_as_they_need() -> None:
    users = re.findall(r"^USER (\S+)$", dockerfile(), re.MULTILINE)
    assert users == ["10001"]
    assert dockerfile().index("USER 10001") > dockerfile().rindex("\nRUN ")
    for service in compose()["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    for service in own_services().values():
        assert service["read_only"] is True
        assert "cap_add" not in service
        assert service["tmpfs"]


def test_images_are_pinned_by_a_version_tag() -> None:
    bases = re.findall(r"^FROM (\S+)", text_of(ROOT / "Dockerfile"), re.MULTILINE)
    images = [service["image"] for service in compose()["services"].values()]
    assert bases
    for image in bases + images:
        assert image == "churn:0.1.0" or re.search(r":\d+\.\d+(\.\d+)?-[a-z-]+$", image), image


def test_the_dockerfile_copies_only_what_exists_and_is_not_ignored() -> None:
    let_in = set(re.findall(r"^!(\S+)", text_of(ROOT / ".dockerignore"), re.MULTILINE))
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text_of(ROOT / "Dockerfile"), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.removeprefix("./") in let_in


def test_the_make_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    named = {
        target
        for document in documents
        for target in re.findall(r"(?:`|^\s*|\$ )make ([a-z]+[0-9]*)\b", text_of(document), re.MULTILINE)
    }
    assert "demo" in named
    assert named <= targets


def test_continuous_integration_is_an_executable_that_ends_with_the_tests() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert text_of(script).rstrip().splitlines()[-1] == "make test"


def imports_of(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(text_of(file))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


IMPORTED_AS = {"psycopg2": "psycopg2-binary", "pydantic_core": "pydantic", "sklearn": "scikit-learn"}


def test_the_package_imports_only_what_it_declares() -> None:
    declared = {canonicalize_name(requirement.name) for requirement in requirements("dashboard", "embedded", "search")}
    own = {"churn", "jobs"} | set(sys.stdlib_module_names)
    used = {
        canonicalize_name(IMPORTED_AS.get(name, name))
        for folder in ("churn", "jobs", "migrations")
        for file in (ROOT / folder).rglob("*.py")
        for name in imports_of(file) - own
    }
    assert used <= declared


def test_nothing_in_the_package_reads_or_writes_pickles() -> None:
    files = [file for folder in ("churn", "jobs", "migrations") for file in (ROOT / folder).rglob("*.py")]
    forbidden = {"pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"}
    assert files
    assert [file.relative_to(ROOT) for file in files if imports_of(file) & forbidden] == []


def test_the_wheel_carries_the_sql_and_the_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("sql", "migrations"):
        expected = {
            f"churn/{file.relative_to(ROOT).as_posix()}"
            for file in repository_files()
            if file.is_relative_to(ROOT / folder)
        }
        assert expected
        assert expected <= carried
    assert {name.split("/")[0] for name in carried} == {"churn", "jobs", "churn-0.1.0.dist-info"}
