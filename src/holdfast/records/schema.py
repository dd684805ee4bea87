"""Numbered migrations, in the dialect that SQLite and PostgreSQL share.

`{int}`, `{real}`, `{text}` and `{strict}` are filled in by each engine. A released migration never changes;
a new one is appended. See docs/formats.md for what the columns mean.
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE meta (
            name {text} PRIMARY KEY, value {int} NOT NULL) {strict}""",
        """CREATE TABLE resources (
            uid {text} PRIMARY KEY, kind {text} NOT NULL, parent {text} NOT NULL, name {text} NOT NULL,
            provisioned {int} NOT NULL, body {text} NOT NULL) {strict}""",
        "CREATE UNIQUE INDEX resources_by_name ON resources (kind, parent, name)",
        "CREATE INDEX resources_by_size ON resources (parent, kind, provisioned)",
        """CREATE TABLE operations (
            id {text} PRIMARY KEY, seq {int} NOT NULL UNIQUE, kind {text} NOT NULL, member {text} NOT NULL,
            state {text} NOT NULL, direction {text} NOT NULL, epoch {int} NOT NULL, cursor {int} NOT NULL,
            request {text} NOT NULL, ids {text} NOT NULL, ref_kind {text} NOT NULL, ref_uid {text} NOT NULL,
            ref_path {text} NOT NULL, actor {text} NOT NULL, reason {text} NOT NULL, error {text} NOT NULL,
            created {real} NOT NULL, ended {real} NOT NULL, next_try {real} NOT NULL, tries {int} NOT NULL,
            allowance {real} NOT NULL, spent {real} NOT NULL, cancel {int} NOT NULL) {strict}""",
        "CREATE INDEX operations_by_state ON operations (state, seq)",
        "CREATE INDEX operations_by_ref ON operations (ref_uid, seq)",
        """CREATE TABLE steps (
            op {text} NOT NULL, idx {int} NOT NULL, body {text} NOT NULL, state {text} NOT NULL,
            attempt {int} NOT NULL, baseline {text} NOT NULL, result {text} NOT NULL, progress {text} NOT NULL,
            PRIMARY KEY (op, idx)) {strict}""",
        """CREATE TABLE claims (
            op {text} NOT NULL, seq {int} NOT NULL, item {text} NOT NULL, mode {text} NOT NULL,
            PRIMARY KEY (item, seq)) {strict}""",
        "CREATE INDEX claims_by_op ON claims (op)",
        """CREATE TABLE children (
            op {text} NOT NULL, pid {int} NOT NULL, start {int} NOT NULL, boot {text} NOT NULL,
            PRIMARY KEY (op, pid, start)) {strict}""",
        """CREATE TABLE keys (
            scope {text} PRIMARY KEY, digest {text} NOT NULL, op {text} NOT NULL, created {real} NOT NULL) {strict}""",
        "CREATE INDEX keys_by_age ON keys (created)",
    ),
    (
        # The number of the last change, over all operations: what a watcher has seen up to.
        "ALTER TABLE operations ADD COLUMN changed {int} NOT NULL DEFAULT 0",
        "CREATE INDEX operations_by_change ON operations (changed)",
        "ALTER TABLE resources ADD COLUMN state {text} NOT NULL DEFAULT 'ready'",
        """UPDATE resources SET state='making' WHERE body LIKE '%"status":{{"ready":false%'""",
        """UPDATE resources SET state='abandoned' WHERE body LIKE '%"type":"Abandoned","status":true%'""",
        "CREATE INDEX attachments_by_path ON resources (name) WHERE kind='attachment'",
        """CREATE TABLE labels (
            uid {text} NOT NULL, name {text} NOT NULL, value {text} NOT NULL, PRIMARY KEY (uid, name)) {strict}""",
        "CREATE INDEX labels_by_value ON labels (name, value, uid)",
        """CREATE TABLE tokens (
            id {text} PRIMARY KEY, name {text} NOT NULL UNIQUE, role {text} NOT NULL, digest {text} NOT NULL,
            created {real} NOT NULL, expires {real} NOT NULL) {strict}""",
    ),
    ("CREATE INDEX snapshots_by_name ON resources (name) WHERE kind='snapshot'",),
)

VERSION = len(MIGRATIONS)
