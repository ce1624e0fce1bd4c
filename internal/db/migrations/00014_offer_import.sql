-- A file of offers on its way in: kept only until its job has ended.

-- +goose Up
CREATE TABLE offer_import (
    provider_id   uuid NOT NULL REFERENCES provider (id),
    id            uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    created_by    uuid NOT NULL,
    role          text NOT NULL CHECK (role IN ('provider_owner', 'coordinator')), -- as whom it was sent: a co-ordinator may not publish
    dry_run       boolean NOT NULL,
    request_key   text CHECK (length(request_key) BETWEEN 1 AND 255), -- the Idempotency-Key; null once it is too old
    request_hash  bytea NOT NULL,
    file          bytea CHECK (octet_length(file) <= 5242880),
    state         text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'refused')),
    rows_found    int NOT NULL DEFAULT 0 CHECK (rows_found >= 0),
    rows_done     int NOT NULL DEFAULT 0 CHECK (rows_done BETWEEN 0 AND rows_found),
    drafts        int NOT NULL DEFAULT 0 CHECK (drafts >= 0),
    published     int NOT NULL DEFAULT 0 CHECK (published >= 0),
    sessions      int NOT NULL DEFAULT 0 CHECK (sessions >= 0),
    errors        jsonb NOT NULL DEFAULT '[]', -- the first of them, by row and column
    error_count   int NOT NULL DEFAULT 0 CHECK (error_count >= 0),
    ended_at      timestamptz,
    CHECK ((state IN ('done', 'refused')) = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (file IS NOT NULL)),
    PRIMARY KEY (provider_id, id)
);
CREATE UNIQUE INDEX offer_import_once ON offer_import (provider_id, created_by, request_key) WHERE request_key IS NOT NULL;
ALTER TABLE offer_import ALTER COLUMN file SET STORAGE EXTERNAL; -- a workbook does not shrink
ALTER TABLE offer_import ENABLE ROW LEVEL SECURITY;
ALTER TABLE offer_import FORCE ROW LEVEL SECURITY;
CREATE POLICY offer_import_own ON offer_import USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON offer_import TO shortbreaks_app;

-- +goose Down
DROP TABLE offer_import;
