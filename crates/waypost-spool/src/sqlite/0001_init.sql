-- One row per message in our charge. Times are microseconds since 1970.
CREATE TABLE message (
    id INTEGER PRIMARY KEY,         -- QueueId as a number
    arrived INTEGER NOT NULL,
    due INTEGER,                    -- NULL: held without end
    size INTEGER NOT NULL,          -- bytes of content
    content_sum INTEGER NOT NULL,   -- CRC-32 of the content
    filed INTEGER NOT NULL,         -- 1: the content lies in content/ID, 0: in table content
    envelope BLOB NOT NULL          -- docs/spool.md, "The envelope"
) STRICT;
CREATE INDEX message_due ON message (due);
CREATE INDEX message_filed ON message (id) WHERE filed = 1;

-- Apart from the envelope, which is rewritten after each attempt.
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- What was found damaged, as it was found.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    arrived INTEGER NOT NULL,
    size INTEGER NOT NULL,
    content_sum INTEGER NOT NULL,
    filed INTEGER NOT NULL,         -- 1: the content lies in quarantine/ID
    envelope BLOB NOT NULL,
    bytes BLOB
) STRICT;

-- id_floor: no id up to here is given again. probe: written when the disk is in doubt.
CREATE TABLE note (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
