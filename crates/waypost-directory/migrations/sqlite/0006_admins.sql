-- Roles in the words of the console. Domains and grants are JSON lists of words; ["*"]: all.
ALTER TABLE admin ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE admin ADD COLUMN domains TEXT NOT NULL DEFAULT '["*"]';
ALTER TABLE admin ADD COLUMN grants TEXT NOT NULL DEFAULT '[]';
ALTER TABLE admin ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0;
ALTER TABLE admin ADD COLUMN suspended INTEGER NOT NULL DEFAULT 0;
UPDATE admin SET role = 'superadministrator' WHERE role = 'admin';

-- What scripts log in with. Of the secret only its SHA-256 is kept.
CREATE TABLE token (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    revision     INTEGER NOT NULL,
    origin       TEXT    NOT NULL,
    external_id  TEXT,
    token        TEXT    NOT NULL UNIQUE,
    admin_id     INTEGER NOT NULL REFERENCES admin (id) DEFERRABLE INITIALLY DEFERRED,
    name         TEXT    NOT NULL,
    hash         BLOB    NOT NULL UNIQUE,
    role         TEXT    NOT NULL,
    domains      TEXT    NOT NULL,
    grants       TEXT    NOT NULL,
    expires_ms   INTEGER NOT NULL,
    created_ms   INTEGER NOT NULL,
    last_used_ms INTEGER
) STRICT;
CREATE INDEX token_admin ON token (admin_id);

-- The domain that a line of the audit belongs to; none: to the whole site.
ALTER TABLE audit ADD COLUMN domain TEXT GENERATED ALWAYS AS (
    CASE
        WHEN kind IN ('domain', 'gateway') THEN object_key
        WHEN kind IN ('user', 'mailbox', 'group')
            OR kind = 'hold' AND substr(object_key, 1, 5) = 'user '
            THEN substr(object_key, instr(object_key, '@') + 1)
        WHEN kind = 'hold' AND substr(object_key, 1, 7) = 'domain ' THEN substr(object_key, 8)
    END
) VIRTUAL;
CREATE INDEX audit_domain ON audit (domain) WHERE domain IS NOT NULL;
CREATE INDEX audit_who ON audit (who);
CREATE INDEX audit_at ON audit (at_ms);
