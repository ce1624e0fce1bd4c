-- The serving role, the extensions, and how policies read the scope.

-- +goose Up

-- Roles belong to the whole cluster: another database of it may be creating
-- this one at the same moment, and losing that race is no error.
-- +goose StatementBegin
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shortbreaks_app') THEN
        BEGIN
            CREATE ROLE shortbreaks_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END IF;
    -- USAGE and not MEMBER: from PostgreSQL 16 on, whoever creates a role is
    -- a member that may administer it but not act as it.
    IF NOT pg_has_role(CURRENT_USER, 'shortbreaks_app', 'USAGE') THEN
        BEGIN
            GRANT shortbreaks_app TO CURRENT_USER;
        EXCEPTION WHEN unique_violation OR internal_error THEN NULL;
        END;
    END IF;
END
$$;
-- +goose StatementEnd

GRANT USAGE ON SCHEMA public TO shortbreaks_app;

CREATE EXTENSION IF NOT EXISTS btree_gist;     -- exclusion constraints on an id and a range
CREATE EXTENSION IF NOT EXISTS pg_trgm;        -- search by parts of words
CREATE EXTENSION IF NOT EXISTS cube;           -- for earthdistance
CREATE EXTENSION IF NOT EXISTS earthdistance;  -- distance between postcodes

-- app_ids reads a comma list of ids from a setting of the transaction; unset,
-- or left empty by an earlier transaction, is no ids. Policies write
--     authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[])
-- with the inner SELECT, which PostgreSQL works out once per statement;
-- without it the list is parsed again for every row.
CREATE FUNCTION app_ids(setting text) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(string_to_array(nullif(current_setting(setting, true), ''), ',')::uuid[], '{}'::uuid[]);

-- +goose Down

DROP FUNCTION app_ids(text);
DROP EXTENSION earthdistance;
DROP EXTENSION cube;
DROP EXTENSION pg_trgm;
DROP EXTENSION btree_gist;
-- The role stays: other databases of this cluster may use it.
