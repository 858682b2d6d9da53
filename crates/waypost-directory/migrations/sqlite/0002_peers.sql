-- A peer is a target that is asked, and asks, over Minger. Empty secrets: none. The domains that
-- it may ask about are separated by spaces; none: all.
CREATE TABLE peer (
    target_id      INTEGER PRIMARY KEY REFERENCES target (id) DEFERRABLE INITIALLY DEFERRED,
    minger_port    INTEGER NOT NULL,
    minger_secret  TEXT    NOT NULL,
    minger_accept  TEXT    NOT NULL,
    minger_domains TEXT    NOT NULL
) STRICT;

-- Domain Sharing: the peers of a domain in their order.
CREATE TABLE domain_peer (
    domain_id INTEGER NOT NULL REFERENCES domain (id) DEFERRABLE INITIALLY DEFERRED,
    position  INTEGER NOT NULL,
    target_id INTEGER NOT NULL REFERENCES peer (target_id) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (domain_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX domain_peer_target ON domain_peer (target_id);

-- Domains that live wholly on a target. No minger_host: the target's host.
CREATE TABLE gateway (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    revision      INTEGER NOT NULL,
    origin        TEXT    NOT NULL,
    external_id   TEXT,
    domain        TEXT    NOT NULL UNIQUE,
    target_id     INTEGER NOT NULL REFERENCES target (id) DEFERRABLE INITIALLY DEFERRED,
    verify        TEXT    NOT NULL,
    minger_host   TEXT,
    minger_port   INTEGER NOT NULL,
    minger_secret TEXT    NOT NULL,
    list          TEXT,
    sharing_too   INTEGER NOT NULL,
    unreachable   TEXT    NOT NULL
) STRICT;
CREATE INDEX gateway_target ON gateway (target_id);
