-- +goose Up
-- A place that comes free while families wait for it is theirs to take first
-- (T49). A session counts who waits, so that whoever frees a place need not
-- see other councils' lines; until OfferPlaces has been through the line since
-- the last place came free, nobody else takes one.
ALTER TABLE session_places ADD COLUMN waiting int NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    ADD COLUMN line_freed bigint NOT NULL DEFAULT 0, -- how often places came free while somebody waited
    ADD COLUMN line_moved bigint NOT NULL DEFAULT 0, -- the last of these the line was asked about
    ADD CONSTRAINT line_asked_about_what_happened CHECK (line_moved <= line_freed);
UPDATE session_places p SET waiting = w.n
FROM (SELECT provider_id, session_id, count(*) AS n FROM waitlist_entry WHERE state = 'waiting' GROUP BY 1, 2) w
WHERE w.provider_id = p.provider_id AND w.session_id = p.session_id;
CREATE INDEX session_places_line ON session_places (provider_id, session_id) WHERE line_freed > line_moved;

-- +goose StatementBegin
CREATE FUNCTION count_waiting() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was int := CASE WHEN TG_OP <> 'INSERT' AND OLD.state = 'waiting' THEN 1 ELSE 0 END;
    is_now int := CASE WHEN TG_OP <> 'DELETE' AND NEW.state = 'waiting' THEN 1 ELSE 0 END;
BEGIN
    IF was <> is_now THEN
        UPDATE session_places SET waiting = waiting + is_now - was
        WHERE provider_id = coalesce(NEW.provider_id, OLD.provider_id) AND session_id = coalesce(NEW.session_id, OLD.session_id);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION place_is_the_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.line_freed := NEW.line_freed + 1;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER waitlist_counted AFTER INSERT OR DELETE OR UPDATE OF state ON waitlist_entry FOR EACH ROW EXECUTE FUNCTION count_waiting();
CREATE TRIGGER places_for_the_line BEFORE UPDATE OF taken, capacity ON session_places FOR EACH ROW
    WHEN (NEW.waiting > 0 AND NEW.capacity > NEW.taken AND NEW.capacity - NEW.taken > OLD.capacity - OLD.taken) EXECUTE FUNCTION place_is_the_lines();

CREATE VIEW audit_waiting WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'session ' || coalesce(p.session_id, w.session_id) AS subject,
    'waiting ' || coalesce(p.waiting, 0) || ', in the line ' || coalesce(w.n, 0) AS detail
FROM session_places p
FULL JOIN (SELECT provider_id, session_id, count(*) AS n FROM waitlist_entry WHERE state = 'waiting' GROUP BY 1, 2) w
    ON w.provider_id = p.provider_id AND w.session_id = p.session_id
WHERE coalesce(p.waiting, 0) <> coalesce(w.n, 0);
GRANT SELECT ON audit_waiting TO shortbreaks_app;

-- +goose Down
DROP VIEW audit_waiting;
DROP TRIGGER places_for_the_line ON session_places;
DROP TRIGGER waitlist_counted ON waitlist_entry;
DROP FUNCTION count_waiting();
DROP FUNCTION place_is_the_lines();
DROP INDEX session_places_line;
ALTER TABLE session_places DROP COLUMN waiting, DROP COLUMN line_freed, DROP COLUMN line_moved;
