-- Where news go by e-mail: an address its person has confirmed.

-- +goose Up
-- One address a person, of those there are the one that was used.
DELETE FROM contact c WHERE kind = 'email' AND EXISTS (SELECT FROM contact o WHERE o.person_id = c.person_id AND o.kind = 'email' AND o.id < c.id);
CREATE UNIQUE INDEX contact_one_email ON contact (person_id) WHERE kind = 'email';

-- Person: an address somebody gave and has yet to confirm with the code sent to
-- it. Only a hash of the code is kept, and the row for a day.
CREATE TABLE email_ask (
    person_id   uuid NOT NULL REFERENCES person (id),
    id          uuid NOT NULL,
    address     text NOT NULL CHECK (length(address) BETWEEN 3 AND 254),
    code_hash   bytea CHECK (length(code_hash) = 32), -- null: not sent yet
    tries       int NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    asked_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    closed_at   timestamptz,                          -- confirmed, taken back or asked anew
    replaced    text,                                 -- the address it took the place of, until that was told
    PRIMARY KEY (person_id, id)
);
CREATE UNIQUE INDEX email_ask_one_open ON email_ask (person_id) WHERE closed_at IS NULL;
ALTER TABLE email_ask ENABLE ROW LEVEL SECURITY;
ALTER TABLE email_ask FORCE ROW LEVEL SECURITY;
CREATE POLICY email_ask_own ON email_ask USING (person_id = (SELECT app_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON email_ask TO shortbreaks_app;

-- +goose Down
DROP TABLE email_ask;
DROP INDEX contact_one_email;
