"""What is shipped: pins in step, no torch, and files that the tools they are for can read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import pins
from tests.conftest import PROJECT
from web.metrics import DECLARED

DEPLOY = PROJECT / "deploy"


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_what_a_server_installs_is_in_step_and_has_no_torch() -> None:
    assert pins.FILE.read_text(encoding="utf-8") == pins.pins(), "run `make fix`"
    names = {line.split("==")[0].lower() for line in pins.pins().splitlines() if "==" in line}
    assert names.isdisjoint({"torch", "transformers", "sentence-transformers", "onnx", "onnxscript", "safetensors"})
    assert {"fastapi", "onnxruntime", "psycopg", "prometheus_client", "tokenizers"} <= names


def test_every_alert_asks_for_metrics_that_there_are() -> None:
    exposed = {metric.name for metric in DECLARED}
    exposed |= {f"{m.name}{end}" for m in DECLARED if m.kind == "histogram" for end in ("_bucket", "_sum", "_count")}
    rules = [rule for group in read("alerts.yaml")["groups"] for rule in group["rules"]]
    for rule in rules:
        asked = set(re.findall(r"firstline_\w+", rule["expr"]))
        assert asked <= exposed, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "fix"}
    assert len(rules) >= 8


def test_compose_runs_three_replicas_that_write_nothing_beside_their_data() -> None:
    services = read("compose.yaml")["services"]
    assert services["web"]["deploy"]["replicas"] == 3
    assert set(services) == {"web", "build", "database", "proxy"}
    for name in ("web", "build"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["depends_on"]["database"]["condition"] == "service_healthy"
        target = services[name]["build"]["target"]
        assert f" AS {target}\n" in (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def test_the_serving_image_is_built_of_nothing_that_builds() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    last = text[text.index("AS serve") :]
    assert re.findall(r"--from=(\w+)", last) == ["packages"]
    assert "USER firstline" in last
    assert 'ENTRYPOINT ["firstline"]' in last  # no shell between the server and SIGTERM
    packages = text[text.index("AS packages") : text.index("AS serve")]
    assert "constraints" not in packages
    for source in re.findall(r"^COPY (?!--from)(\S+) (\S+)?", text, re.MULTILINE):
        for path in source[:-1]:
            assert (PROJECT / path).exists(), path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "firstline.service"
    text = (DEPLOY / "firstline.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/firstline/bin/firstline", shutil.which("true") or ""), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_file_names_a_place_to_install_from() -> None:
    for path in DEPLOY.iterdir():
        if path.is_file():
            assert not re.search(r"index-url|--find-links|://pypi|/simple", path.read_text(encoding="utf-8")), path
