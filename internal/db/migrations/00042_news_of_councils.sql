-- Practitioners and approvers are told of what waits for them.

-- +goose Up
-- Who they are is read by jobs, which act for no person and for every authority.
CREATE POLICY role_grant_by_jobs ON role_grant FOR SELECT USING ((SELECT app_person()) IS NULL AND role IN ('practitioner', 'approver')
    AND authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE INDEX role_grant_council ON role_grant (authority_id) WHERE role IN ('practitioner', 'approver');
CREATE INDEX emergency_booking_undecided ON emergency_booking (authority_id) WHERE decision IS NULL;

-- +goose Down
DROP INDEX emergency_booking_undecided;
DROP INDEX role_grant_council;
DROP POLICY role_grant_by_jobs ON role_grant;
