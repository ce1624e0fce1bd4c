-- +goose Up
-- What a provider calls off takes the bookings in it along, if it says so.
ALTER TABLE closure ADD COLUMN cancels_bookings boolean NOT NULL DEFAULT false;
CREATE INDEX session_called_off ON session (starts_at) WHERE state = 'cancelled';

-- +goose Down
DROP INDEX session_called_off;
ALTER TABLE closure DROP COLUMN cancels_bookings;
