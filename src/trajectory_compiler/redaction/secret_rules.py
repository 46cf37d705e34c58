"""The rules for keys and tokens that are recognised by their own form. Assignments (`password=...`) are in `assignments.py`."""

from __future__ import annotations

from trajectory_compiler.redaction.policy import Check, Rule

_EDGE = r"(?:(?<![A-Za-z0-9_\\-])|(?<=\\[nrt]))"


def _vendor(name: str, body: str, example: str, *, gates: tuple[str, ...] = (), check: Check = "") -> Rule:
    """Make the rule of a token with a fixed prefix; the example is the token itself."""
    return Rule(
        name=name,
        kind="SECRET",
        gates=gates or (body,),
        pattern=_EDGE + rf"(?P<value>{body})(?![A-Za-z0-9])",
        check=check,
        shortest=14,
        examples=((f'key="{example}";', example), (rf"a\n{example}", example)),
        counter_examples=(example[:9], f"x{example[:9]} and more"),
    )


_PEM_EXAMPLE = (
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAexampleexampleexampleexample+/0\nabcd==\n-----END RSA PRIVATE KEY-----"
)

RULES: tuple[Rule, ...] = (
    Rule(
        name="private_key",
        kind="SECRET",
        gates=("PRIVATE KEY",),
        pattern=r"(?P<value>-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[A-Za-z0-9+/=\s\\,:.]|-(?!----)){40,65536}(?:-----END[A-Z0-9 ]{0,60}-----)?)",
        examples=(
            (f"cat id_rsa\n{_PEM_EXAMPLE}\n$", _PEM_EXAMPLE),
            (_PEM_EXAMPLE.replace("\n", "\\n"), _PEM_EXAMPLE.replace("\n", "\\n")),
        ),
        counter_examples=(
            'if text.startswith("-----BEGIN PRIVATE KEY-----"): return True',
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC\n-----END PUBLIC KEY-----",
        ),
    ),
    Rule(
        name="url_password",
        kind="SECRET",
        gates=(r"://[^\s\"@]{0,650}@",),
        pattern=r"://[^\s/:@\"'<>?#]{0,60}:(?P<value>[^\s@\"'<>`]{1,100})@(?=[\w\[])",
        check="url_password",
        examples=(
            ("postgres://app:s3cr3t-pw@db.internal:5432/app", "s3cr3t-pw"),
            ("https://:tok_12345@example.com", "tok_12345"),
            ("amqp://u:p/w:x@mq", "p/w:x"),
        ),
        counter_examples=(
            "https://example.com:8080/path",
            "postgres://app:${DB_PASSWORD}@db/app",
            "https://user:***@example.com",
            "see http://localhost:5173/@vite/client",
        ),
    ),
    Rule(
        name="authorization_header",
        kind="SECRET",
        gates=tuple(f"{word} +[A-Za-z0-9._~+/-]{{8}}" for word in ("earer", "EARER", "asic", "ASIC", "oken", "OKEN")),
        pattern=r"(?<![A-Za-z0-9])"
        r"(?:[Bb]earer|BEARER|[Bb]asic|BASIC|(?i:authorization)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:[Tt]oken|TOKEN)) {1,3}"
        r"(?P<value>[A-Za-z0-9._~+/-]{8,}={0,2})",
        check="opaque",
        examples=(
            ("-H 'Authorization: Bearer 9aF3kd02LLs8'", "9aF3kd02LLs8"),
            ("authorization: basic dXNlcjpwYXNzd29yZDE=", "dXNlcjpwYXNzd29yZDE="),
            ("Authorization: token 0123456789abcdef01234567", "0123456789abcdef01234567"),
        ),
        counter_examples=(
            "Bearer authentication",
            "basic_economy",
            "Basic understanding",
            "Bearer <SECRET_1>",
            "Bearer $API_TOKEN",
        ),
    ),
    Rule(
        name="slack_webhook",
        kind="SECRET",
        gates=(r"hooks\.slack\.com/services/",),
        pattern=r"hooks\.slack\.com/services/(?P<value>[A-Za-z0-9/_-]{20,120})",
        examples=(
            ("https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX", "T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX"),
        ),
        counter_examples=("https://hooks.slack.com/services",),
    ),
    _vendor(
        "json_web_token",
        r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,3}",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln",
        gates=("eyJ[A-Za-z0-9_-]{8}",),
    ),
    _vendor("aws_access_key", "(?:AKIA|ASIA)[A-Z0-9]{16}", "AKIAIOSFODNN7EXAMPLE", gates=("A[KS]IA[A-Z0-9]{16}",)),
    _vendor("github_token", "gh[pousr]_[A-Za-z0-9]{20,}", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    _vendor("github_fine_grained_token", "github_pat_[A-Za-z0-9_]{20,}", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrst"),
    _vendor("gitlab_token", "glpat-[A-Za-z0-9_-]{16,}", "glpat-a1B2c3D4e5F6g7H8i9J0"),
    _vendor(
        "slack_token",
        "(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}",
        "xoxb-123456789012-abcdefGHIJKL",
        gates=("xox[abeoprs]-", "xapp-"),
    ),
    _vendor(
        "stripe_key",
        "[srp]k_(?:live|test)_[A-Za-z0-9]{10,}",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        gates=("k_(?:live|test)_",),
    ),
    _vendor("webhook_secret", "whsec_[A-Za-z0-9+/=]{16,}", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    _vendor("openai_key", "sk-[A-Za-z0-9_-]{16,}", "sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2", check="opaque"),
    _vendor("google_key", "AIza[0-9A-Za-z_-]{30,}", "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"),
    _vendor(
        "google_oauth", r"(?:ya29\.|GOCSPX-)[A-Za-z0-9_-]{20,}", "ya29.a0AfH6SMBx1y2z3A4B5C6D7E8F", gates=(r"ya29\.", "GOCSPX-")
    ),
    _vendor("npm_token", "npm_[A-Za-z0-9]{30,}", "npm_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"),
    _vendor("huggingface_token", "hf_[A-Za-z0-9]{30,}", "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgHi"),
    _vendor(
        "sendgrid_key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,}", "SG.a1B2c3D4e5F6g7H8i9J0k1.a1B2c3D4e5F6g7H8i9J0k1L2m3"
    ),
    _vendor("pypi_token", "pypi-[A-Za-z0-9_-]{32,}", "pypi-AgEIcHlwaS5vcmcCJGExYjJjM2Q0ZTVmNg", check="opaque"),
    _vendor("twilio_key", "SK[0-9a-f]{32}", "SK0123456789abcdef0123456789abcdef"),
    _vendor("digitalocean_token", "do[op]_v1_[0-9a-f]{32,}", "dop_v1_0123456789abcdef0123456789abcdef"),
    _vendor("shopify_token", "shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shpat_0123456789abcdef0123456789abcdef"),
)
