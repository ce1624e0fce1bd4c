-- +goose Up
-- What a provider calls off takes the bookings in it along, if it says so.
ALTER TABLE closure ADD COLUMN cancels_bookings boolean NOT NULL DEFAULT false;
CREATE INDEX session_called_off ON session (starts_at) WHERE state = 'cancelled';

-- An item that takes the place of another: moved at once, or when the provider agrees.
ALTER TABLE booking_item ADD COLUMN moved_from uuid, ADD CONSTRAINT moved_from_item FOREIGN KEY (authority_id, moved_from) REFERENCES booking_item (authority_id, id);

-- +goose Down
ALTER TABLE booking_item DROP COLUMN moved_from;
DROP INDEX session_called_off;
ALTER TABLE closure DROP COLUMN cancels_bookings;
