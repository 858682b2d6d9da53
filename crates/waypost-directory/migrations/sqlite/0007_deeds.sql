-- The audit also keeps what is done to mail in the queue and to remembered answers: of a line about
-- an answer (cache) the domain is that of its address.
DROP INDEX audit_domain;
ALTER TABLE audit DROP COLUMN domain;
ALTER TABLE audit ADD COLUMN domain TEXT GENERATED ALWAYS AS (
    CASE
        WHEN kind IN ('domain', 'gateway') THEN object_key
        WHEN kind IN ('user', 'mailbox', 'group', 'cache')
            OR kind = 'hold' AND substr(object_key, 1, 5) = 'user '
            THEN substr(object_key, instr(object_key, '@') + 1)
        WHEN kind = 'hold' AND substr(object_key, 1, 7) = 'domain ' THEN substr(object_key, 8)
    END
) VIRTUAL;
CREATE INDEX audit_domain ON audit (domain) WHERE domain IS NOT NULL;
