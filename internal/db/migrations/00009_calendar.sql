-- When: bank holidays, term dates, closures, notice, changes to what is
-- planned, and a worker's own calendar as busy time.

-- +goose Up
-- Open class: facts, read by all. A one-off extra day is one more row.
CREATE TABLE bank_holiday (
    nation   text NOT NULL CHECK (nation = 'england'),
    on_date  date NOT NULL,
    name     text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    PRIMARY KEY (nation, on_date)
);
GRANT SELECT, INSERT, UPDATE ON bank_holiday TO shortbreaks_app;
INSERT INTO bank_holiday (nation, on_date, name) VALUES
    ('england', '2024-01-01', 'New Year''s Day'),
    ('england', '2024-03-29', 'Good Friday'),
    ('england', '2024-04-01', 'Easter Monday'),
    ('england', '2024-05-06', 'Early May bank holiday'),
    ('england', '2024-05-27', 'Spring bank holiday'),
    ('england', '2024-08-26', 'Summer bank holiday'),
    ('england', '2024-12-25', 'Christmas Day'),
    ('england', '2024-12-26', 'Boxing Day'),
    ('england', '2025-01-01', 'New Year''s Day'),
    ('england', '2025-04-18', 'Good Friday'),
    ('england', '2025-04-21', 'Easter Monday'),
    ('england', '2025-05-05', 'Early May bank holiday'),
    ('england', '2025-05-26', 'Spring bank holiday'),
    ('england', '2025-08-25', 'Summer bank holiday'),
    ('england', '2025-12-25', 'Christmas Day'),
    ('england', '2025-12-26', 'Boxing Day'),
    ('england', '2026-01-01', 'New Year''s Day'),
    ('england', '2026-04-03', 'Good Friday'),
    ('england', '2026-04-06', 'Easter Monday'),
    ('england', '2026-05-04', 'Early May bank holiday'),
    ('england', '2026-05-25', 'Spring bank holiday'),
    ('england', '2026-08-31', 'Summer bank holiday'),
    ('england', '2026-12-25', 'Christmas Day'),
    ('england', '2026-12-28', 'Boxing Day (substitute day)'),
    ('england', '2027-01-01', 'New Year''s Day'),
    ('england', '2027-03-26', 'Good Friday'),
    ('england', '2027-03-29', 'Easter Monday'),
    ('england', '2027-05-03', 'Early May bank holiday'),
    ('england', '2027-05-31', 'Spring bank holiday'),
    ('england', '2027-08-30', 'Summer bank holiday'),
    ('england', '2027-12-27', 'Christmas Day (substitute day)'),
    ('england', '2027-12-28', 'Boxing Day (substitute day)'),
    ('england', '2028-01-03', 'New Year''s Day (substitute day)'),
    ('england', '2028-04-14', 'Good Friday'),
    ('england', '2028-04-17', 'Easter Monday'),
    ('england', '2028-05-01', 'Early May bank holiday'),
    ('england', '2028-05-29', 'Spring bank holiday'),
    ('england', '2028-08-28', 'Summer bank holiday'),
    ('england', '2028-12-25', 'Christmas Day'),
    ('england', '2028-12-26', 'Boxing Day');

-- Term dates: one calendar for each school that sets its own, and one for its
-- authority, which counts for the rest (T36). Read by all, written by the
-- authority's staff.
ALTER TABLE school DROP COLUMN calendar;
CREATE UNIQUE INDEX school_name ON school (authority_id, lower(name));
CREATE TABLE calendar (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    id            uuid NOT NULL,
    school_id     uuid REFERENCES school (id), -- null: the authority's own
    imported_at   timestamptz NOT NULL,
    imported_by   uuid,                        -- null: from the command line
    PRIMARY KEY (authority_id, id),
    UNIQUE NULLS NOT DISTINCT (authority_id, school_id)
);
CREATE INDEX calendar_id ON calendar (id);
CREATE TABLE calendar_range (
    authority_id  uuid NOT NULL,
    calendar_id   uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('term', 'half_term', 'holiday', 'inset')),
    starts_on     date NOT NULL,
    ends_on       date NOT NULL CHECK (ends_on >= starts_on),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    PRIMARY KEY (authority_id, calendar_id, kind, starts_on),
    FOREIGN KEY (authority_id, calendar_id) REFERENCES calendar (authority_id, id)
);
GRANT SELECT, INSERT, UPDATE ON calendar TO shortbreaks_app;
GRANT SELECT, INSERT, DELETE ON calendar_range TO shortbreaks_app;

-- Notice and horizon of an offer, and the one rule of both: an instant may be
-- booked from so many elapsed minutes before it, and from so many days of
-- London's calendar before its date (T41).
ALTER TABLE offer
    ADD COLUMN notice_minutes int NOT NULL DEFAULT 0 CHECK (notice_minutes BETWEEN 0 AND 129600),
    ADD COLUMN horizon_days int CHECK (horizon_days BETWEEN 1 AND 730); -- null: as far ahead as there is anything
CREATE FUNCTION can_book(starts_at timestamptz, as_of timestamptz, notice_minutes int, horizon_days int) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN starts_at > as_of
    AND starts_at >= as_of + notice_minutes * interval '1 minute'
    AND (horizon_days IS NULL
        OR (starts_at AT TIME ZONE 'Europe/London')::date <= (as_of AT TIME ZONE 'Europe/London')::date + horizon_days);

-- What became of a planned session: moved, or called off and why. A calendar
-- that shows it counts its changes.
ALTER TABLE session
    ADD COLUMN sequence int NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    ADD COLUMN planned_start text,             -- wall time first planned; null if it never moved
    ADD COLUMN changed_at timestamptz,
    ADD COLUMN reason text CHECK (length(reason) <= 200);

-- A provider, or one setting of it, is shut. Public, as sessions are.
CREATE TABLE closure (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    id           uuid NOT NULL,
    setting_id   uuid, -- null: every setting
    starts_on    date NOT NULL,
    ends_on      date NOT NULL CHECK (ends_on >= starts_on),
    reason       text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    created_at   timestamptz NOT NULL,
    created_by   uuid NOT NULL,
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, setting_id) REFERENCES setting (provider_id, id)
);
CREATE INDEX closure_dates ON closure (provider_id, ends_on);
GRANT SELECT, INSERT ON closure TO shortbreaks_app;

-- When a lane's worker is busy elsewhere, by their own calendar. Beside
-- lane_claim and not in it: busy times overlap each other, and may come to
-- overlap a visit that was agreed before them, which then stands. They say
-- when, never what, and are public so that a family's booking can see them.
CREATE TABLE lane_busy (
    provider_id  uuid NOT NULL,
    lane_id      uuid NOT NULL,
    during       tstzrange NOT NULL CHECK (NOT isempty(during) AND lower(during) IS NOT NULL AND upper(during) IS NOT NULL),
    PRIMARY KEY (provider_id, lane_id, during),
    FOREIGN KEY (provider_id, lane_id) REFERENCES lane (provider_id, id)
);
CREATE INDEX lane_busy_during ON lane_busy USING gist (provider_id, lane_id, during);
GRANT SELECT, INSERT, DELETE ON lane_busy TO shortbreaks_app;
-- Where they come from. Provider private: the address is as good as a password.
CREATE TABLE busy_calendar (
    provider_id  uuid NOT NULL,
    lane_id      uuid NOT NULL,
    address      text CHECK (length(address) <= 2000), -- null: a file was uploaded
    version      int NOT NULL CHECK (version > 0),     -- a fetch begun for an earlier address counts no more
    checked_at   timestamptz,                          -- when it was last read without trouble
    trouble      text NOT NULL DEFAULT '',             -- why the last reading failed
    PRIMARY KEY (provider_id, lane_id),
    FOREIGN KEY (provider_id, lane_id) REFERENCES lane (provider_id, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON busy_calendar TO shortbreaks_app;

-- No visit is put where its worker is busy, whoever writes it. The foreign key
-- has locked each lane by the end of the statement, so that busy times being
-- written at this moment, under a lock of the lane, are waited for and seen.
-- +goose StatementBegin
CREATE FUNCTION refuse_busy_lane() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added a JOIN lane_busy b
            ON b.provider_id = a.provider_id AND b.lane_id = a.lane_id AND b.during && a.during) THEN
        RAISE EXCEPTION 'the worker is busy then' USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'lane_never_used_when_busy';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER lane_claim_not_busy AFTER INSERT ON lane_claim
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_busy_lane();

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['calendar', 'calendar_range', 'closure', 'lane_busy', 'busy_calendar'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['calendar', 'calendar_range', 'closure', 'lane_busy'] LOOP
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT USING (true)', t || '_public', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['calendar', 'calendar_range'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_own', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['closure', 'lane_busy', 'busy_calendar'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_own', t);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER lane_claim_not_busy ON lane_claim;
DROP FUNCTION refuse_busy_lane();
DROP TABLE busy_calendar, lane_busy, closure;
ALTER TABLE session DROP COLUMN sequence, DROP COLUMN planned_start, DROP COLUMN changed_at, DROP COLUMN reason;
DROP FUNCTION can_book(timestamptz, timestamptz, int, int);
ALTER TABLE offer DROP COLUMN notice_minutes, DROP COLUMN horizon_days;
DROP TABLE calendar_range, calendar;
DROP INDEX school_name;
ALTER TABLE school ADD COLUMN calendar jsonb NOT NULL DEFAULT '{}';
DROP TABLE bank_holiday;
