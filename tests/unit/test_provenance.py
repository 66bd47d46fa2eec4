"""What `runs` keeps of a run's program and settings."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np

from conf.load import load_settings
from jobs.lifecycle.provenance import changed_settings, find_commit, find_provenance


def test_only_changed_settings_are_kept_and_secrets_are_not() -> None:
    settings = load_settings(
        "local",
        [
            "decide.refer_below=0.4",
            "registry.tracking_uri=https://ada:hunter2@mlflow.example/path",
            "spark.extra={spark.hadoop.fs.s3a.secret.key: hunter2, spark.hadoop.fs.s3a.endpoint: store.example}",
        ],
    )
    kept = changed_settings(settings)
    assert kept["decide"] == {"refer_below": 0.4}
    assert kept["registry"] == {"tracking_uri": "https://***@mlflow.example/path"}
    assert kept["spark"]["extra"] == {
        "spark.hadoop.fs.s3a.secret.key": "***",
        "spark.hadoop.fs.s3a.endpoint": "store.example",
    }
    assert "hunter2" not in find_provenance(settings).settings


def test_the_program_and_its_packages_are_named() -> None:
    found = find_provenance(load_settings("local"))
    assert found.program.startswith("catalog-cleaner ")
    assert found.packages["numpy"] == np.__version__
    user, host = found.started_by.split("@")
    assert user
    assert host
    assert json.loads(found.settings).keys() <= {"spark", "train"}


def test_the_commit_of_a_checkout_and_of_a_worktree_is_found(tmp_path: Path) -> None:
    def git(folder: Path, *words: str) -> str:
        identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
        run = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
        return run.stdout.strip()

    main, other = tmp_path / "main", tmp_path / "other"
    main.mkdir()
    git(main, "init", "--quiet")
    git(main, "commit", "--quiet", "--allow-empty", "--message", "first")
    first = git(main, "rev-parse", "HEAD")[:12]
    assert find_commit(main / ".git") == first
    git(main, "worktree", "add", "--quiet", "-b", "other", str(other))
    git(other, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert find_commit(other / ".git") == git(other, "rev-parse", "HEAD")[:12] != first
    git(main, "pack-refs", "--all")
    assert find_commit(main / ".git") == first
    git(main, "checkout", "--quiet", "--detach")
    assert find_commit(main / ".git") == first
    assert find_commit(tmp_path / ".git") is None
