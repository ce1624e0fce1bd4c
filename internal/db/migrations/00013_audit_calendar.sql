-- +goose Up
-- Term dates came after the audit: a range's calendar is of the range's own
-- authority too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'calendar_range ' || c.calendar_id AS subject, 'calendar ' || c.calendar_id || ' is not of this authority' AS detail
            FROM calendar_range c
            WHERE NOT EXISTS (SELECT FROM calendar p WHERE p.authority_id = c.authority_id AND p.id = c.calendar_id)$v$;
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
