-- A target may also be known by the certificate that it shows as a client, from wherever it calls.
ALTER TABLE target ADD COLUMN client_pin TEXT;
CREATE INDEX target_client_pin ON target (client_pin);
