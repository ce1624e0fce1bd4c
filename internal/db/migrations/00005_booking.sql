-- +goose Up
-- A quote freezes what was shown; it holds nothing (T14, T15).
CREATE TABLE quote (
    authority_id   uuid NOT NULL,
    id             uuid NOT NULL,
    child_id       uuid NOT NULL,
    provider_id    uuid NOT NULL,
    offer_id       uuid NOT NULL,
    version_id     uuid NOT NULL,
    total_pence    bigint NOT NULL CHECK (total_pence >= 0),
    document       jsonb NOT NULL, -- items, charges, funding, terms, words
    created_by     uuid NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL CHECK (expires_at > created_at),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE INDEX quote_expires ON quote (expires_at);
-- One child at one provider, made from one quote.
CREATE TABLE booking (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    basket_id     uuid NOT NULL,
    quote_id      uuid NOT NULL,
    reference     text NOT NULL,
    child_id      uuid NOT NULL,
    provider_id   uuid NOT NULL,
    offer_id      uuid NOT NULL,
    version_id    uuid NOT NULL,
    total_pence   bigint NOT NULL CHECK (total_pence >= 0),
    terms         jsonb NOT NULL, -- cancellation terms as agreed
    billed_on     text NOT NULL CHECK (billed_on IN ('booked', 'attended')),
    created_by    uuid NOT NULL,
    on_behalf     boolean NOT NULL, -- staff booked for the family
    created_at    timestamptz NOT NULL,
    created_key   text, -- the Idempotency-Key that made it
    PRIMARY KEY (authority_id, id),
    CONSTRAINT quote_books_once UNIQUE (authority_id, quote_id),
    UNIQUE (authority_id, reference),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id),
    FOREIGN KEY (authority_id, quote_id) REFERENCES quote (authority_id, id)
);
CREATE INDEX booking_provider ON booking (provider_id, created_at);
CREATE INDEX booking_child ON booking (authority_id, child_id, created_at);
-- One attendee at one session, visit or night.
CREATE TABLE booking_item (
    authority_id     uuid NOT NULL,
    id               uuid NOT NULL,
    booking_id       uuid NOT NULL,
    n                int NOT NULL,
    provider_id      uuid NOT NULL,
    child_id         uuid,
    attendee_kind    text NOT NULL CHECK (attendee_kind IN ('child', 'sibling', 'carer', 'personal_assistant')),
    session_id       uuid, -- null for a visit by the hour
    lane_id          uuid, -- of a visit
    starts_at        timestamptz NOT NULL,
    ends_at          timestamptz NOT NULL CHECK (ends_at > starts_at),
    local_start      text NOT NULL,
    time_zone        text NOT NULL,
    version_id       uuid NOT NULL,
    state            text NOT NULL CHECK (state IN ('held', 'requested', 'conditional', 'confirmed', 'delivered', 'partly_delivered', 'no_show',
                         'disputed', 'settled', 'declined', 'expired', 'cancelled_by_family', 'cancelled_by_provider', 'cancelled_by_authority')),
    expires_at       timestamptz,
    auto_confirm_at  timestamptz,
    price_pence      bigint NOT NULL CHECK (price_pence >= 0), -- as quoted
    charge_pence     bigint CHECK (charge_pence >= 0),         -- what is due once delivered or cancelled late
    place_seq        bigint,
    CHECK ((expires_at IS NOT NULL) = (state IN ('held', 'requested', 'conditional'))),
    CHECK ((session_id IS NULL) <> (lane_id IS NULL)),
    CHECK (attendee_kind IN ('carer', 'personal_assistant') OR child_id IS NOT NULL),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, booking_id) REFERENCES booking (authority_id, id),
    FOREIGN KEY (provider_id, session_id) REFERENCES session (provider_id, id) -- the one bridge from tenant to supply (docs/adr)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX child_once_in_a_session ON booking_item (authority_id, child_id, session_id)
    WHERE state IN ('held', 'requested', 'conditional', 'confirmed', 'delivered', 'partly_delivered', 'no_show', 'disputed', 'settled');
CREATE INDEX booking_item_booking ON booking_item (authority_id, booking_id);
CREATE INDEX booking_item_session ON booking_item (provider_id, session_id);
CREATE INDEX booking_item_expiry ON booking_item (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX booking_item_auto ON booking_item (auto_confirm_at) WHERE state IN ('delivered', 'partly_delivered', 'no_show');
-- What an item costs and who pays each part (T85).
CREATE TABLE item_charge (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    n             int NOT NULL,
    provider_id   uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('place', 'support', 'meal', 'transport', 'travel', 'equipment', 'membership', 'late', 'disturbance', 'other')),
    payer         text NOT NULL CHECK (payer IN ('budget', 'contract', 'funded_place', 'family_direct', 'family_top_up')),
    unit          text NOT NULL CHECK (unit IN ('pence', 'minutes', 'nights', 'sessions')), -- of the accounts that pay
    quantity      bigint NOT NULL CHECK (quantity >= 0), -- in that unit; equals amount_pence for pence
    amount_pence  bigint NOT NULL CHECK (amount_pence >= 0),
    line_id       uuid,
    CHECK (unit <> 'pence' OR quantity = amount_pence),
    CHECK ((payer = 'budget') = (line_id IS NOT NULL)),
    PRIMARY KEY (authority_id, item_id, n),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
CREATE TABLE item_event (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    from_state    text, -- null: made
    to_state      text NOT NULL,
    actor_id      uuid, -- null: the system
    actor_role    text NOT NULL,
    on_behalf     boolean NOT NULL DEFAULT false,
    cause         text NOT NULL DEFAULT '',
    at            timestamptz NOT NULL,
    PRIMARY KEY (authority_id, item_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
CREATE TABLE delivery (
    authority_id       uuid NOT NULL,
    item_id            uuid NOT NULL,
    provider_id        uuid NOT NULL,
    outcome            text NOT NULL CHECK (outcome IN ('delivered', 'partly_delivered', 'no_show')),
    cause              text NOT NULL DEFAULT '',
    arrived_at         timestamptz,
    left_at            timestamptz,
    attended_minutes   int NOT NULL CHECK (attended_minutes >= 0),
    note               text NOT NULL DEFAULT '',
    on_time            boolean NOT NULL, -- filed soon enough for the timer to count (T60)
    recorded_by        uuid NOT NULL,
    recorded_at        timestamptz NOT NULL,
    PRIMARY KEY (authority_id, item_id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
-- Money kept for a charge in one account; resolved once.
CREATE TABLE hold (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    item_id       uuid NOT NULL,
    charge_n      int NOT NULL,
    account_id    uuid NOT NULL,
    line_id       uuid,
    unit          text NOT NULL,
    amount        bigint NOT NULL CHECK (amount > 0),
    state         text NOT NULL CHECK (state IN ('pending', 'captured', 'released', 'expired')),
    captured      bigint NOT NULL DEFAULT 0 CHECK (captured >= 0 AND captured <= amount),
    refunded      bigint NOT NULL DEFAULT 0,
    account_seq   bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    resolved_at   timestamptz,
    CONSTRAINT refunds_never_exceed_captures CHECK (refunded >= 0 AND refunded <= captured),
    CHECK (state = 'captured' OR captured = 0),
    CHECK ((state = 'pending') = (resolved_at IS NULL)),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, item_id, charge_n) REFERENCES item_charge (authority_id, item_id, n),
    FOREIGN KEY (authority_id, account_id) REFERENCES account (authority_id, id),
    FOREIGN KEY (authority_id, line_id) REFERENCES plan_line (authority_id, id)
) WITH (fillfactor = 80);
CREATE INDEX hold_item ON hold (authority_id, item_id);
CREATE INDEX hold_account_pending ON hold (authority_id, account_id) WHERE state = 'pending';
CREATE INDEX hold_line ON hold (authority_id, line_id);
-- Money given back after it was captured; one row per request, so two equal refunds are two.
CREATE TABLE refund (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    item_id       uuid NOT NULL,
    charge_n      int NOT NULL,
    amount_pence  bigint NOT NULL CHECK (amount_pence > 0),
    reason        text NOT NULL,
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, item_id, charge_n) REFERENCES item_charge (authority_id, item_id, n)
);
CREATE INDEX refund_item ON refund (authority_id, item_id);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['quote', 'booking', 'booking_item', 'item_charge', 'item_event', 'delivery', 'hold', 'refund'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
    END LOOP;
    -- A provider sees and moves its own bookings; never a child, plan, quote, account, hold or the ledger.
    FOREACH t IN ARRAY ARRAY['booking', 'booking_item', 'item_charge', 'item_event', 'delivery'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_provider', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE TRIGGER item_event_append_only BEFORE UPDATE OR DELETE ON item_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER quote_immutable BEFORE UPDATE ON quote FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT, UPDATE ON booking_item, delivery, hold TO shortbreaks_app;
GRANT SELECT, INSERT ON booking, item_charge, item_event, refund, quote TO shortbreaks_app;

-- +goose Down
DROP TABLE refund, hold, delivery, item_event, item_charge, booking_item, booking, quote;
