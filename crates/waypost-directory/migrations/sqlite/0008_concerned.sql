-- A line about mail in the queue may concern several domains; they are kept beside it.
CREATE TABLE audit_concerned (
    domain TEXT    NOT NULL,
    change INTEGER NOT NULL REFERENCES audit (change),
    PRIMARY KEY (domain, change)
) STRICT, WITHOUT ROWID;
