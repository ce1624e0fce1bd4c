-- A credit that paid for a date keeps its last day when the date is cancelled:
-- cancelling does not make it longer.

-- +goose Up
ALTER TABLE credit ADD COLUMN again_of uuid; -- the credit this came from again, which had ended meanwhile
ALTER TABLE credit ADD CONSTRAINT credit_again_of FOREIGN KEY (authority_id, again_of) REFERENCES credit (authority_id, id);
DROP INDEX credit_once_an_item;
CREATE UNIQUE INDEX credit_once_an_item ON credit (authority_id, item_id, again_of) NULLS NOT DISTINCT WHERE from_id IS NULL;

-- All credits of a date together are no more than came back from it, and what
-- comes again lies where it was. Each row's parent is of its own authority.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_credits WITH (security_invoker = true) AS ' || rtrim(pg_get_viewdef('audit_credits'::regclass), '; ') || $v$
        UNION ALL
        SELECT c.authority_id, 'credits of item ' || c.item_id, 'of ' || sum(c.amount_pence) || ' pence, and ' || coalesce(max(k.pence), 0) || ' came back'
        FROM credit c LEFT JOIN came k ON k.authority_id = c.authority_id AND k.item_id = c.item_id AND k.account_id = c.account_id
        WHERE c.from_id IS NULL GROUP BY c.authority_id, c.item_id, c.account_id HAVING count(*) > 1 AND sum(c.amount_pence) > coalesce(max(k.pence), 0)
        UNION ALL
        SELECT c.authority_id, 'credit ' || c.id, 'came again of one that lay elsewhere'
        FROM credit c JOIN credit o ON o.authority_id = c.authority_id AND o.id = c.again_of WHERE c.from_id IS NULL AND c.account_id <> o.account_id$v$;
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'credit ' || c.id AS subject, 'credit ' || c.again_of || ' is not of this authority' AS detail
            FROM credit c WHERE c.again_of IS NOT NULL AND NOT EXISTS (SELECT FROM credit p WHERE p.authority_id = c.authority_id AND p.id = c.again_of)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_tenant_parents', 'audit_credits', 'audit_credits'] LOOP
        EXECUTE 'CREATE OR REPLACE VIEW ' || name || ' WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef(name::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP INDEX credit_once_an_item;
ALTER TABLE credit DROP COLUMN again_of;
CREATE UNIQUE INDEX credit_once_an_item ON credit (authority_id, item_id) WHERE from_id IS NULL;
