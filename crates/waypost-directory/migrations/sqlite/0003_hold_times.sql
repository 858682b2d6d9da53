-- Since when a hold is on: its time does not count towards lifetime or delay notice.
ALTER TABLE hold ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;
UPDATE hold SET since_ms = unixepoch() * 1000;

-- Holds that are over, for messages that were waiting meanwhile. Names as in hold.
CREATE TABLE past_hold (
    id       INTEGER PRIMARY KEY,
    kind     TEXT    NOT NULL,
    domain   TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    since_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL
) STRICT;
