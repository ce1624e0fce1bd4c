-- +goose Up
-- A block of dates bought at once. Buying it is an item of a booking, with its
-- price, holds and parts due ahead like any other, and no place and no worker:
-- it stands for its last day. Dates are booked off it at no further price.
CREATE TABLE ticket (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL, -- that of its item
    provider_id   uuid NOT NULL,
    child_id      uuid NOT NULL,
    offer_id      uuid NOT NULL,
    version_id    uuid NOT NULL, -- by whose terms it was bought
    option_name   text NOT NULL,
    count         int NOT NULL CHECK (count BETWEEN 2 AND 100),
    used          int NOT NULL DEFAULT 0,
    valid_from    date NOT NULL, -- London's
    valid_to      date NOT NULL CHECK (valid_to >= valid_from), -- the last day
    created_at    timestamptz NOT NULL,
    CONSTRAINT ticket_never_used_beyond CHECK (used BETWEEN 0 AND count),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, id) REFERENCES booking_item (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE INDEX ticket_child ON ticket (authority_id, child_id, id);
ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket FORCE ROW LEVEL SECURITY;
CREATE POLICY ticket_tenant ON ticket USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY ticket_provider ON ticket USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
GRANT SELECT, INSERT ON ticket TO shortbreaks_app;
GRANT UPDATE (used) ON ticket TO shortbreaks_app;

-- A date booked off a ticket, and whether it counts as used: a place given back
-- in time does not.
ALTER TABLE booking_item
    ADD COLUMN ticket_id uuid,
    ADD COLUMN ticket_counts boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT booking_item_ticket_id_fkey FOREIGN KEY (authority_id, ticket_id) REFERENCES ticket (authority_id, id),
    ADD CONSTRAINT booking_item_counts_on_a_ticket CHECK (ticket_id IS NOT NULL OR NOT ticket_counts);
CREATE INDEX booking_item_ticket ON booking_item (authority_id, ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX booking_item_of_ticket ON booking_item (ends_at) WHERE session_id IS NULL AND lane_id IS NULL;
-- An item is in a session, or a visit in a lane, or a ticket: never two of them.
-- +goose StatementBegin
DO $$
DECLARE old text;
BEGIN
    SELECT conname INTO STRICT old FROM pg_constraint
    WHERE conrelid = 'booking_item'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%session_id IS NULL) <> (lane_id IS NULL%';
    EXECUTE format('ALTER TABLE booking_item DROP CONSTRAINT %I', old);
END $$;
-- +goose StatementEnd
ALTER TABLE booking_item ADD CONSTRAINT booking_item_is_one_thing CHECK (session_id IS NULL OR lane_id IS NULL);

-- What is used of a ticket is what was booked off it and not given back; its
-- dates are of its child, its provider and its days; and what is neither in a
-- session nor in a lane is a ticket.
CREATE VIEW audit_tickets WITH (security_invoker = true) AS
SELECT t.authority_id, 'ticket ' || t.id AS subject, 'used ' || t.used || ' of ' || t.count || ', dates that count ' || coalesce(u.n, 0) AS detail
FROM ticket t
LEFT JOIN (SELECT authority_id, ticket_id, count(*) AS n FROM booking_item WHERE ticket_counts GROUP BY 1, 2) u
    ON u.authority_id = t.authority_id AND u.ticket_id = t.id
WHERE t.used <> coalesce(u.n, 0) OR t.used > t.count
UNION ALL
SELECT i.authority_id, 'item ' || i.id, i.state || ' and does ' || CASE WHEN i.ticket_counts THEN '' ELSE 'not ' END || 'count on ticket ' || t.id
FROM booking_item i JOIN ticket t ON t.authority_id = i.authority_id AND t.id = i.ticket_id
WHERE (item_is_live(i.state) AND NOT i.ticket_counts) OR (i.ticket_counts AND NOT item_is_live(i.state) AND i.state <> 'cancelled_by_family' AND i.state <> 'cancelled_by_authority')
UNION ALL
SELECT i.authority_id, 'item ' || i.id, 'is not of the child, provider or days of ticket ' || t.id
FROM booking_item i JOIN ticket t ON t.authority_id = i.authority_id AND t.id = i.ticket_id
WHERE t.child_id IS DISTINCT FROM i.child_id OR t.provider_id <> i.provider_id
    OR (i.starts_at AT TIME ZONE 'Europe/London')::date NOT BETWEEN t.valid_from AND t.valid_to
UNION ALL
SELECT i.authority_id, 'item ' || i.id, 'is in no session and no lane, and no ticket'
FROM booking_item i
WHERE i.session_id IS NULL AND i.lane_id IS NULL AND NOT EXISTS (SELECT FROM ticket t WHERE t.authority_id = i.authority_id AND t.id = i.id AND t.child_id = i.child_id
    AND t.provider_id = i.provider_id)
UNION ALL
SELECT i.authority_id, 'item ' || i.id, 'is a ticket and in a session or a lane'
FROM booking_item i JOIN ticket t ON t.authority_id = i.authority_id AND t.id = i.id
WHERE i.session_id IS NOT NULL OR i.lane_id IS NOT NULL;
GRANT SELECT ON audit_tickets TO shortbreaks_app;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'ticket ' || c.id AS subject, 'booking_item ' || c.id || ' is not of this authority' AS detail
            FROM ticket c WHERE NOT EXISTS (SELECT FROM booking_item p WHERE p.authority_id = c.authority_id AND p.id = c.id)
            UNION ALL SELECT c.authority_id, 'ticket ' || c.id, 'child ' || c.child_id || ' is not of this authority'
            FROM ticket c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)
            UNION ALL SELECT c.authority_id, 'booking_item ' || c.id, 'ticket ' || c.ticket_id || ' is not of this authority'
            FROM booking_item c WHERE c.ticket_id IS NOT NULL AND NOT EXISTS (SELECT FROM ticket p WHERE p.authority_id = c.authority_id AND p.id = c.ticket_id)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*UNION ALL.*UNION ALL.*$', '\1');
END $$;
-- +goose StatementEnd
DROP VIEW audit_tickets;
ALTER TABLE booking_item DROP CONSTRAINT booking_item_is_one_thing, DROP CONSTRAINT booking_item_counts_on_a_ticket, DROP COLUMN ticket_counts, DROP COLUMN ticket_id;
DROP TABLE ticket;
DROP INDEX booking_item_of_ticket;
ALTER TABLE booking_item ADD CHECK ((session_id IS NULL) <> (lane_id IS NULL));
