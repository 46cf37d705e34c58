"""What `trajc schedule print` prints: text for four schedulers, from one description of the nightly run.

No text holds a password or a key: the log's address and the keys of models come from the environment, which each scheduler
fills from a place of its own (an EnvironmentFile, a file that the shell reads, a Secret).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import PurePosixPath

import msgspec

from trajectory_compiler.cli.sync_options import LOG_VARIABLE

SECRETS_FILE = "/etc/trajc/sync.env"
NAME = "trajc-sync"


class Nightly(msgspec.Struct, frozen=True, kw_only=True):
    """One nightly run: the program, its options, where and as whom it runs, which log, when (UTC), and into which store.

    `log` is an address without its password, or a file. `secrets` are variables that must be set; the log's address is one of
    them where it names a server (`is_secret_log`). `has_config` says that a trajc.toml lies in the folder.
    """

    program: str
    options: tuple[str, ...]
    folder: str
    user: str
    log: str
    is_secret_log: bool
    store: str
    hour: int
    minute: int
    secrets: tuple[str, ...] = ()
    has_config: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of the program; a log on a server is named by its variable instead."""
        return ("sync", *(() if self.is_secret_log else (self.log,)), *self.options, "--store", self.store)

    @property
    def variables(self) -> tuple[str, ...]:
        """Every variable that must be set."""
        return ((LOG_VARIABLE,) if self.is_secret_log else ()) + self.secrets


def systemd(run: Nightly) -> str:
    """Return a service and a timer. `Persistent` makes up for a night on which the machine was off."""
    secret = [f"EnvironmentFile={SECRETS_FILE}"] if run.variables else []
    line = " ".join([run.program, *map(_systemd_word, run.arguments)])
    service = [
        f"# /etc/systemd/system/{NAME}.service",
        *_secrets_comment(run, SECRETS_FILE),
        "[Unit]",
        "Description=Compile what came into the agents' log",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        f"User={run.user}",
        f"WorkingDirectory={_systemd_path(run.folder)}",
        *secret,
        f"ExecStart={line}",
        "# 1: some sessions failed (trajc status says which); the rest is done.",
        "SuccessExitStatus=1",
        "UMask=0077",
        "NoNewPrivileges=yes",
        "PrivateTmp=yes",
        "Nice=10",
    ]
    timer = [
        f"# /etc/systemd/system/{NAME}.timer, then: systemctl enable --now {NAME}.timer",
        "[Unit]",
        "Description=Every night: compile what came into the agents' log",
        "",
        "[Timer]",
        f"OnCalendar=*-*-* {run.hour:02d}:{run.minute:02d}:00 UTC",
        "RandomizedDelaySec=10m",
        "Persistent=yes",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join([*service, "", *timer]) + "\n"


def cron(run: Nightly) -> str:
    """Return a line for `crontab -e`. In a crontab a percent sign ends the command, unless it is escaped."""
    read = f". {shlex.quote(SECRETS_FILE)} && " if run.variables else ""
    line = f"cd {shlex.quote(run.folder)} && {read}{shlex.join([run.program, *run.arguments])}"
    lines = [
        *_secrets_comment(run, SECRETS_FILE, exported=True),
        "# crontab -e, on a machine whose clock is UTC; cron mails what the command prints.",
        f"{run.minute} {run.hour} * * * {line.replace('%', chr(92) + '%')}",
    ]
    return "\n".join(lines) + "\n"


def kubernetes(run: Nightly) -> str:
    """Return a CronJob, the claim for its store, and the command that makes its Secret. The store lies on the volume."""
    store = str(PurePosixPath("/data") / PurePosixPath(run.store).name)
    arguments = msgspec.structs.replace(run, store=store).arguments
    given = [line for name in run.variables for line in _from_secret(name)]
    listed = "".join(f"\n                - {_yaml(word)}" for word in arguments)
    made = " ".join(f"--from-literal={name}=..." for name in run.variables)
    head = [f"# kubectl create secret generic {NAME} {made}"] if run.variables else []
    head += [f"# kubectl create configmap {NAME} --from-file=trajc.toml"] if run.has_config else []
    mount, volume = _config_volume() if run.has_config else ([], [])
    return (
        "\n".join(
            [
                *head,
                "# YOUR-REGISTRY/trajc: an image with  pip install 'trajectory-compiler[postgres]'",
                "apiVersion: v1",
                "kind: PersistentVolumeClaim",
                f"metadata: {{name: {NAME}}}",
                "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}}",
                "---",
                "apiVersion: batch/v1",
                "kind: CronJob",
                f"metadata: {{name: {NAME}}}",
                "spec:",
                f'  schedule: "{run.minute} {run.hour} * * *"',
                "  timeZone: Etc/UTC",
                "  concurrencyPolicy: Forbid",
                "  startingDeadlineSeconds: 21600",
                "  jobTemplate:",
                "    spec:",
                "      backoffLimit: 1",
                "      template:",
                "        spec:",
                "          restartPolicy: Never",
                "          securityContext: {runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001}",
                "          containers:",
                f"            - name: {NAME}",
                "              image: YOUR-REGISTRY/trajc",
                "              workingDir: /data",
                '              command: ["trajc"]',
                f"              args:{listed}",
                *(["              env:", *given] if given else []),
                "              securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}",
                "              resources: {requests: {cpu: 500m, memory: 1Gi}, limits: {memory: 2Gi}}",
                "              volumeMounts:",
                "                - {name: data, mountPath: /data}",
                "                - {name: tmp, mountPath: /tmp}",
                *mount,
                "          volumes:",
                f"            - {{name: data, persistentVolumeClaim: {{claimName: {NAME}}}}}",
                "            - {name: tmp, emptyDir: {}}",
                *volume,
            ]
        )
        + "\n"
    )


def github(run: Nightly) -> str:
    """Return a workflow for a runner of one's own: the store must outlive the run, and the log must be in reach."""
    given = [f"          {name}: ${{{{ secrets.{name} }}}}" for name in run.variables]
    return (
        "\n".join(
            [
                f"# .github/workflows/{NAME}.yml",
                *([f"# Settings > Secrets and variables > Actions: {', '.join(run.variables)}"] if run.variables else []),
                "name: Compile what came into the agents' log",
                "on:",
                "  schedule:",
                f'    - cron: "{run.minute} {run.hour} * * *"',
                "  workflow_dispatch:",
                f"concurrency: {NAME}",
                "permissions: {}",
                "jobs:",
                "  sync:",
                "    # A runner of your own: the store stays on its disk, and the log need not be open to the world.",
                "    runs-on: self-hosted",
                "    timeout-minutes: 240",
                "    steps:",
                "      - name: trajc sync",
                f"        working-directory: {_yaml(run.folder)}",
                *(["        env:", *given] if given else []),
                f"        run: {_yaml(shlex.join(['trajc', *run.arguments]))}",
            ]
        )
        + "\n"
    )


SCHEDULERS: dict[str, Callable[[Nightly], str]] = {
    "systemd": systemd,
    "cron": cron,
    "kubernetes": kubernetes,
    "github": github,
}


def _secrets_comment(run: Nightly, path: str, *, exported: bool = False) -> list[str]:
    """Say what the file of secrets holds: names, and of the log's address what is no secret."""
    if not run.variables:
        return []
    word = "export " if exported else ""
    values = [f"#   {word}{name}={run.log if name == LOG_VARIABLE else '...'}" for name in run.variables]
    return [f"# {path}, readable by the user of the run alone (chmod 600), with its password where it says ***:", *values]


def _from_secret(name: str) -> list[str]:
    return [
        f"                - name: {name}",
        f"                  valueFrom: {{secretKeyRef: {{name: {NAME}, key: {name}}}}}",
    ]


def _config_volume() -> tuple[list[str], list[str]]:
    mount = "                - {name: config, mountPath: /data/trajc.toml, subPath: trajc.toml}"
    return [mount], [f"            - {{name: config, configMap: {{name: {NAME}}}}}"]


def _systemd_word(word: str) -> str:
    """Quote a word for ExecStart, where % and $ mean something, too."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(c in word for c in " \t\"'\\;") or not word else escaped


def _systemd_path(path: str) -> str:
    return path.replace("%", "%%")


def _yaml(word: str) -> str:
    """Return a text as a YAML scalar: JSON's strings are YAML's double-quoted ones."""
    return msgspec.json.encode(word).decode()
