-- Where a child's carer may live, or where children sleep, is not for everybody
-- to know. Which settings those are is kept with the setting, so that whoever
-- shows one has no rule of their own to apply.

-- +goose Up
ALTER TABLE setting ADD COLUMN discreet boolean NOT NULL DEFAULT false;

-- Kinds of support that are given in somebody's home, or by night.
CREATE FUNCTION discreet_categories() RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN ARRAY['family_based_care', 'overnight', 'overnight_residential', 'overnight_family'];

-- The rule: the provider works alone, and may work from home, or an offer there
-- is of such a kind, a draft or a withdrawn one too.
-- +goose StatementBegin
CREATE FUNCTION is_discreet(of_provider uuid, of_setting uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM provider p WHERE p.id = of_provider AND p.kind = 'sole_trader')
        OR EXISTS (SELECT FROM offer o WHERE o.provider_id = of_provider AND o.setting_id = of_setting AND o.category = ANY (discreet_categories()))
$$;
CREATE FUNCTION setting_begins_discreet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.discreet := is_discreet(NEW.provider_id, NEW.id);
    RETURN NEW;
END $$;
CREATE FUNCTION settings_of_new_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM changed WHERE category = ANY (discreet_categories())) THEN
        UPDATE setting s SET discreet = true
        FROM (SELECT DISTINCT provider_id, setting_id FROM changed WHERE category = ANY (discreet_categories())) c
        WHERE s.provider_id = c.provider_id AND s.id = c.setting_id AND NOT s.discreet;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION settings_of_changed_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE setting SET discreet = NOT discreet
    WHERE provider_id = NEW.provider_id AND id IN (OLD.setting_id, NEW.setting_id) AND discreet <> is_discreet(provider_id, id);
    RETURN NULL;
END $$;
CREATE FUNCTION settings_of_changed_provider() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE setting SET discreet = NOT discreet WHERE provider_id = NEW.id AND discreet <> is_discreet(provider_id, id);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER setting_discreet BEFORE INSERT ON setting FOR EACH ROW EXECUTE FUNCTION setting_begins_discreet();
CREATE TRIGGER offer_added_discreet AFTER INSERT ON offer REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION settings_of_new_offers();
CREATE TRIGGER offer_discreet AFTER UPDATE OF category, setting_id ON offer FOR EACH ROW
    WHEN ((OLD.category, OLD.setting_id) IS DISTINCT FROM (NEW.category, NEW.setting_id)) EXECUTE FUNCTION settings_of_changed_offer();
CREATE TRIGGER provider_discreet AFTER UPDATE OF kind ON provider FOR EACH ROW
    WHEN (OLD.kind IS DISTINCT FROM NEW.kind) EXECUTE FUNCTION settings_of_changed_provider();

UPDATE setting SET discreet = true WHERE is_discreet(provider_id, id);
-- Their listings hold the exact point. The service writes missing ones when it starts.
DELETE FROM offer_listing l USING offer o, setting s
WHERE o.provider_id = l.provider_id AND o.id = l.offer_id AND s.provider_id = o.provider_id AND s.id = o.setting_id AND s.discreet;

-- A worker's time that is given back may bring an offer forward that lists a
-- later time as the next one free.
-- +goose StatementBegin
CREATE FUNCTION mark_offers_of_lanes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO offer_stale SELECT DISTINCT l.provider_id, l.offer_id FROM changed c
        JOIN offer_lane ol ON ol.provider_id = c.provider_id AND ol.lane_id = c.lane_id
        JOIN offer_listing l ON l.provider_id = ol.provider_id AND l.offer_id = ol.offer_id
        WHERE l.next_at > lower(c.during);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER lane_claim_freed AFTER DELETE ON lane_claim REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_offers_of_lanes();
CREATE TRIGGER lane_busy_freed AFTER DELETE ON lane_busy REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_offers_of_lanes();

-- +goose Down
DROP TRIGGER lane_busy_freed ON lane_busy;
DROP TRIGGER lane_claim_freed ON lane_claim;
DROP FUNCTION mark_offers_of_lanes();
DROP TRIGGER provider_discreet ON provider;
DROP TRIGGER offer_discreet ON offer;
DROP TRIGGER offer_added_discreet ON offer;
DROP TRIGGER setting_discreet ON setting;
DROP FUNCTION settings_of_changed_provider(), settings_of_changed_offer(), settings_of_new_offers(), setting_begins_discreet(), is_discreet(uuid, uuid),
    discreet_categories();
ALTER TABLE setting DROP COLUMN discreet;
