-- Numbers every write; snapshots, caches and later nodes follow it.
CREATE TABLE change (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL,
    object_id  INTEGER NOT NULL,
    object_key TEXT    NOT NULL,
    removed    INTEGER NOT NULL
) STRICT;

-- Who changed what, when, from where. Times are milliseconds since 1970, records are JSON.
CREATE TABLE audit (
    change     INTEGER PRIMARY KEY REFERENCES change (number),
    at_ms      INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    from_where TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    object_key TEXT    NOT NULL,
    before     TEXT,
    after      TEXT
) STRICT;
CREATE INDEX audit_object ON audit (kind, object_key);

-- implicit: made from a domain's relay = "host[:port]", gone when no domain names it.
CREATE TABLE target (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    revision            INTEGER NOT NULL,
    origin              TEXT    NOT NULL,
    external_id         TEXT,
    name                TEXT    NOT NULL UNIQUE,
    implicit            INTEGER NOT NULL,
    host                TEXT    NOT NULL,
    port                INTEGER NOT NULL,
    sources             TEXT    NOT NULL,
    tls                 TEXT    NOT NULL,
    tls_pin             TEXT,
    username            TEXT    NOT NULL,
    password            TEXT    NOT NULL,
    connections         INTEGER NOT NULL,
    recipient           TEXT    NOT NULL,
    smart_host_on_error INTEGER NOT NULL
) STRICT;

CREATE TABLE domain (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    revision        INTEGER NOT NULL,
    origin          TEXT    NOT NULL,
    external_id     TEXT,
    name            TEXT    NOT NULL UNIQUE,
    relay_id        INTEGER REFERENCES target (id) DEFERRABLE INITIALLY DEFERRED,
    forward_unknown INTEGER NOT NULL,
    verify_unknown  TEXT    NOT NULL,
    protect_senders INTEGER NOT NULL,
    postmaster      TEXT,
    user_max        INTEGER NOT NULL,
    user_default    INTEGER NOT NULL,
    shared_max      INTEGER NOT NULL,
    shared_default  INTEGER NOT NULL
) STRICT;
CREATE INDEX domain_relay ON domain (relay_id);

-- Position 0 is the main name, the others are aliases.
CREATE TABLE domain_name (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    domain_id INTEGER NOT NULL REFERENCES domain (id) DEFERRABLE INITIALLY DEFERRED,
    position  INTEGER NOT NULL,
    name      TEXT    NOT NULL
) STRICT;
CREATE INDEX domain_name_name ON domain_name (name);
CREATE INDEX domain_name_domain ON domain_name (domain_id, position);

-- relayed_all: every address goes to the third party, later ones too.
CREATE TABLE user (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    revision    INTEGER NOT NULL,
    origin      TEXT    NOT NULL,
    external_id TEXT,
    domain_id   INTEGER NOT NULL REFERENCES domain (id) DEFERRABLE INITIALLY DEFERRED,
    login       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    mail        TEXT    NOT NULL,
    relayed_all INTEGER NOT NULL,
    target_id   INTEGER REFERENCES target (id) DEFERRABLE INITIALLY DEFERRED,
    password    TEXT,
    quota_bytes INTEGER,
    suspended   INTEGER NOT NULL,
    UNIQUE (domain_id, login)
) STRICT;
CREATE INDEX user_target ON user (target_id) WHERE target_id IS NOT NULL;

CREATE TABLE mailbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    revision    INTEGER NOT NULL,
    origin      TEXT    NOT NULL,
    external_id TEXT,
    domain_id   INTEGER NOT NULL REFERENCES domain (id) DEFERRABLE INITIALLY DEFERRED,
    name        TEXT    NOT NULL,
    quota_bytes INTEGER,
    UNIQUE (domain_id, name)
) STRICT;

-- The address is the one by which the administrator named the user.
CREATE TABLE mailbox_member (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox (id) DEFERRABLE INITIALLY DEFERRED,
    position   INTEGER NOT NULL,
    user_id    INTEGER NOT NULL REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED,
    address    TEXT    NOT NULL,
    PRIMARY KEY (mailbox_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX mailbox_member_user ON mailbox_member (user_id);

CREATE TABLE mail_group (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    revision    INTEGER NOT NULL,
    origin      TEXT    NOT NULL,
    external_id TEXT,
    domain_id   INTEGER NOT NULL REFERENCES domain (id) DEFERRABLE INITIALLY DEFERRED,
    name        TEXT    NOT NULL,
    owner       TEXT,
    UNIQUE (domain_id, name)
) STRICT;

CREATE TABLE group_member (
    group_id INTEGER NOT NULL REFERENCES mail_group (id) DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL,
    address  TEXT    NOT NULL,
    PRIMARY KEY (group_id, position)
) STRICT, WITHOUT ROWID;

-- Addresses of users, shared mailboxes and groups. The local part is lower-case and without
-- quotes; no name_id: all names of the domain; position 0 is the default address.
CREATE TABLE address (
    owner_kind TEXT    NOT NULL,
    owner_id   INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    domain_id  INTEGER NOT NULL REFERENCES domain (id) DEFERRABLE INITIALLY DEFERRED,
    name_id    INTEGER REFERENCES domain_name (id) DEFERRABLE INITIALLY DEFERRED,
    local      TEXT    NOT NULL,
    selected   INTEGER NOT NULL,
    PRIMARY KEY (owner_kind, owner_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX address_local ON address (domain_id, local);
CREATE INDEX address_name ON address (name_id) WHERE name_id IS NOT NULL;

CREATE TABLE admin (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    revision    INTEGER NOT NULL,
    origin      TEXT    NOT NULL,
    external_id TEXT,
    login       TEXT    NOT NULL UNIQUE,
    password    TEXT,
    role        TEXT    NOT NULL
) STRICT;

-- Pauses of deliveries. domain is empty for a target, name for a domain.
CREATE TABLE hold (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    revision    INTEGER NOT NULL,
    origin      TEXT    NOT NULL,
    external_id TEXT,
    kind        TEXT    NOT NULL,
    domain      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    until_ms    INTEGER,
    UNIQUE (kind, domain, name)
) STRICT;
