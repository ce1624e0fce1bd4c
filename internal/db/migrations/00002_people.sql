-- +goose Up
-- Open class: read by all, no row-level rule; nothing hot refers to it.
CREATE TABLE authority (
    id          uuid PRIMARY KEY,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    slug        text NOT NULL,
    area        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE school (
    id            uuid PRIMARY KEY,
    authority_id  uuid REFERENCES authority (id),
    name          text NOT NULL,
    calendar      jsonb NOT NULL DEFAULT '{}'
);
GRANT SELECT, INSERT, UPDATE ON authority, school TO shortbreaks_app;

-- +goose StatementBegin
CREATE FUNCTION app_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.person', true), '')::uuid $$;
-- +goose StatementEnd

-- Person class: each adult sees only their own rows.
CREATE TABLE person (
    id            uuid PRIMARY KEY,
    display_name  text NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
    created_at    timestamptz NOT NULL DEFAULT now()
);
-- Contact details belong to one adult; what the other parent sees is only what
-- this one allows (T97).
CREATE TABLE contact (
    person_id   uuid NOT NULL REFERENCES person (id),
    id          uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('email', 'phone', 'address', 'calendar')),
    value       text NOT NULL CHECK (length(value) BETWEEN 1 AND 500),
    PRIMARY KEY (person_id, id)
);
CREATE TABLE sign_in (
    person_id   uuid NOT NULL REFERENCES person (id),
    id          uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('demo', 'oidc')),
    subject     text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    ended_at    timestamptz,
    PRIMARY KEY (person_id, id)
);
CREATE INDEX sign_in_subject ON sign_in (subject);
CREATE TABLE role_grant (
    person_id     uuid NOT NULL REFERENCES person (id),
    id            uuid NOT NULL,
    role          text NOT NULL CHECK (role IN ('family', 'practitioner', 'approver', 'finance', 'commissioner',
                                                'provider_owner', 'coordinator', 'worker', 'auditor')),
    authority_id  uuid,
    provider_id   uuid,
    child_id      uuid,
    starts_on     date NOT NULL,
    ends_on       date,
    PRIMARY KEY (person_id, id),
    -- A grant reaches exactly what its role works on.
    CHECK (CASE
        WHEN role = 'family' THEN authority_id IS NOT NULL AND child_id IS NOT NULL AND provider_id IS NULL
        WHEN role IN ('provider_owner', 'coordinator', 'worker') THEN provider_id IS NOT NULL AND authority_id IS NULL AND child_id IS NULL
        ELSE authority_id IS NOT NULL AND provider_id IS NULL AND child_id IS NULL END)
);

ALTER TABLE person ENABLE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
CREATE POLICY person_own ON person USING (id = (SELECT app_person()));
ALTER TABLE contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact FORCE ROW LEVEL SECURITY;
CREATE POLICY contact_own ON contact USING (person_id = (SELECT app_person()));
ALTER TABLE role_grant ENABLE ROW LEVEL SECURITY;
ALTER TABLE role_grant FORCE ROW LEVEL SECURITY;
CREATE POLICY role_grant_own ON role_grant USING (person_id = (SELECT app_person()));
-- A sign-in is looked up by its subject before the person is known.
ALTER TABLE sign_in ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in FORCE ROW LEVEL SECURITY;
CREATE POLICY sign_in_own ON sign_in USING (person_id = (SELECT app_person()));
CREATE POLICY sign_in_subject ON sign_in FOR SELECT USING (subject = (SELECT nullif(current_setting('app.sign_in', true), '')));
GRANT SELECT, INSERT, UPDATE ON person, contact, sign_in, role_grant TO shortbreaks_app;
GRANT DELETE ON contact TO shortbreaks_app;

-- +goose Down
DROP TABLE role_grant, sign_in, contact, person, school, authority;
DROP FUNCTION app_person();
