-- +goose Up
-- Bookings are asked for by their id alone, and their policies let either side
-- in, so no index that begins with one of the sides finds them: every page of
-- it was read. Ids grow with time, so these indexes grow at their end.
CREATE INDEX booking_id ON booking (id);
CREATE INDEX booking_item_id ON booking_item (id);
DROP INDEX booking_item_booking;
CREATE INDEX booking_item_booking ON booking_item (booking_id);

-- +goose Down
DROP INDEX booking_item_booking;
CREATE INDEX booking_item_booking ON booking_item (authority_id, booking_id);
DROP INDEX booking_item_id;
DROP INDEX booking_id;
