-- +goose Up
-- A date that comes back to a block which has ended cannot be booked again: its
-- part of what the block cost is owed, until it is paid back (T57, T65).
ALTER TABLE booking_item ADD COLUMN ticket_part int, -- which part of the block, from 1; null: nothing is owed
    ADD CONSTRAINT ticket_part_is_of_a_date_back CHECK (ticket_part IS NULL OR (ticket_part > 0 AND ticket_id IS NOT NULL AND NOT ticket_counts));
CREATE INDEX booking_item_owed ON booking_item (authority_id, id) WHERE ticket_part IS NOT NULL;

-- +goose Down
DROP INDEX booking_item_owed;
ALTER TABLE booking_item DROP CONSTRAINT ticket_part_is_of_a_date_back, DROP COLUMN ticket_part;
