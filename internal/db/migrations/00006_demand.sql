-- +goose Up
-- Searches, counted without anyone's identity. A week is ISO: "2027-W02".
CREATE TABLE search_count (
    week      text NOT NULL,
    area      text NOT NULL, -- district searched around; '' if none was given
    category  text NOT NULL, -- '' if none was given
    outcome   text NOT NULL CHECK (outcome IN ('found', 'nothing')),
    n         bigint NOT NULL CHECK (n > 0),
    PRIMARY KEY (week, area, category, outcome)
);
GRANT SELECT, INSERT, UPDATE ON search_count TO shortbreaks_app;

-- What commissioning reads of bookings: no child leaves it but as a number to be counted.
CREATE VIEW demand_booking WITH (security_invoker = true) AS
SELECT b.authority_id, b.id AS booking_id, b.child_id, o.category, s.area,
       to_char(b.created_at AT TIME ZONE 'Europe/London', 'IYYY-"W"IW') AS week
FROM booking b
JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
JOIN setting s ON s.provider_id = o.provider_id AND s.id = o.setting_id;
GRANT SELECT ON demand_booking TO shortbreaks_app;

-- +goose Down
DROP VIEW demand_booking;
DROP TABLE search_count;
