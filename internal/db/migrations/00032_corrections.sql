-- +goose Up
-- A sign-off that ends before its day: somebody no longer does the task, or
-- should not. It counts for nothing from then on.
ALTER TABLE competency ADD COLUMN withdrawn_at timestamptz, ADD COLUMN withdrawn_by uuid,
    ADD COLUMN withdrawn_reason text NOT NULL DEFAULT '' CHECK (length(withdrawn_reason) <= 500),
    ADD CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL) AND (withdrawn_at IS NULL) = (withdrawn_reason = ''));
GRANT UPDATE (withdrawn_at, withdrawn_by, withdrawn_reason) ON competency TO shortbreaks_app;

-- A register that the family queried and the provider put right is agreed to by
-- a yes alone.
ALTER TABLE delivery DROP CONSTRAINT delivery_agree_because_check,
    ADD CONSTRAINT delivery_agree_because_check CHECK (agree_because IN ('', 'late', 'overnight', 'sum', 'corrected'));

-- Tenant, and the provider of the row: what a register said before it was put
-- right, and after. Never changed.
CREATE TABLE register_correction (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    query         text NOT NULL, -- what the family said
    reason        text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    was_outcome   text NOT NULL,
    was_minutes   int NOT NULL,
    was_pence     bigint NOT NULL,
    outcome       text NOT NULL,
    minutes       int NOT NULL,
    pence         bigint NOT NULL,
    corrected_by  uuid NOT NULL,
    corrected_at  timestamptz NOT NULL,
    PRIMARY KEY (authority_id, item_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
ALTER TABLE register_correction ENABLE ROW LEVEL SECURITY;
ALTER TABLE register_correction FORCE ROW LEVEL SECURITY;
CREATE POLICY register_correction_tenant ON register_correction FOR SELECT USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY register_correction_provider ON register_correction USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
CREATE TRIGGER register_correction_append_only BEFORE UPDATE OR DELETE ON register_correction FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON register_correction TO shortbreaks_app;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'register_correction ' || c.id AS subject, 'booking_item ' || c.item_id || ' is not of this authority' AS detail
            FROM register_correction c WHERE NOT EXISTS (SELECT FROM booking_item p WHERE p.authority_id = c.authority_id AND p.id = c.item_id)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
END $$;
-- +goose StatementEnd
DROP TABLE register_correction;
UPDATE delivery SET agree_because = 'sum' WHERE agree_because = 'corrected';
ALTER TABLE delivery DROP CONSTRAINT delivery_agree_because_check,
    ADD CONSTRAINT delivery_agree_because_check CHECK (agree_because IN ('', 'late', 'overnight', 'sum'));
ALTER TABLE competency DROP COLUMN withdrawn_at, DROP COLUMN withdrawn_by, DROP COLUMN withdrawn_reason;
