-- +goose Up
-- A date on which the provider could not admit the child goes back to its block
-- once the register is agreed (T57): it is settled, and not used.
CREATE OR REPLACE VIEW audit_tickets WITH (security_invoker = true) AS
SELECT t.authority_id, 'ticket ' || t.id AS subject, 'used ' || t.used || ' of ' || t.count || ', dates that count ' || coalesce(u.n, 0) AS detail
FROM ticket t
LEFT JOIN (SELECT authority_id, ticket_id, count(*) AS n FROM booking_item WHERE ticket_counts GROUP BY 1, 2) u
    ON u.authority_id = t.authority_id AND u.ticket_id = t.id
WHERE t.used <> coalesce(u.n, 0) OR t.used > t.count
UNION ALL
SELECT i.authority_id, 'item ' || i.id, i.state || ' and does ' || CASE WHEN i.ticket_counts THEN '' ELSE 'not ' END || 'count on ticket ' || t.id
FROM booking_item i JOIN ticket t ON t.authority_id = i.authority_id AND t.id = i.ticket_id
WHERE (item_is_live(i.state) AND NOT i.ticket_counts AND NOT (i.state = 'settled' AND EXISTS (SELECT FROM delivery d
        WHERE d.authority_id = i.authority_id AND d.item_id = i.id AND d.outcome = 'no_show' AND d.cause = 'provider_could_not_admit')))
    OR (i.ticket_counts AND NOT item_is_live(i.state) AND i.state <> 'cancelled_by_family' AND i.state <> 'cancelled_by_authority')
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

-- +goose Down
CREATE OR REPLACE VIEW audit_tickets WITH (security_invoker = true) AS
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
