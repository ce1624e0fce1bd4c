-- +goose Up
-- What an authority has agreed with a provider (R028). A price option by
-- contract is used only for bookings of that authority within its dates (T31).
CREATE TABLE contract (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL REFERENCES provider (id),
    kind          text NOT NULL CHECK (kind IN ('framework', 'block', 'spot', 'grant')),
    reference     text NOT NULL CHECK (length(reference) BETWEEN 1 AND 60),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    starts_on     date NOT NULL,
    ends_on       date NOT NULL CHECK (ends_on >= starts_on),
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (authority_id, id),
    UNIQUE (authority_id, reference)
);
CREATE INDEX contract_provider ON contract (provider_id, authority_id);
ALTER TABLE contract ENABLE ROW LEVEL SECURITY;
ALTER TABLE contract FORCE ROW LEVEL SECURITY;
CREATE POLICY contract_authority ON contract USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY contract_provider ON contract FOR SELECT USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
GRANT SELECT, INSERT ON contract TO shortbreaks_app;

-- Schemes that fund a child's place, such as holiday activities and food.
ALTER TABLE child ADD COLUMN funded_schemes jsonb NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE child DROP COLUMN funded_schemes;
DROP TABLE contract;
