-- Whether senders wait for the target's own answer.
ALTER TABLE target ADD COLUMN cut_through INTEGER NOT NULL DEFAULT 1;
