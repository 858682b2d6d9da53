-- A target may also be known by a login. An empty name: none.
ALTER TABLE target ADD COLUMN client_login TEXT NOT NULL DEFAULT '';
ALTER TABLE target ADD COLUMN client_password TEXT;
CREATE INDEX target_client_login ON target (client_login) WHERE client_login <> '';
