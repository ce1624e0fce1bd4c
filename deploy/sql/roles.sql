-- The database and its logins, made once by a superuser before the first
-- migration; running it again changes the passwords and nothing else.
--
--     OWNER_PASSWORD=... SERVE_PASSWORD=... psql -X -d postgres -f roles.sql
--
-- Needs psql 15 or newer. Three roles, so that what serves people can neither
-- change the schema nor step past row-level security:
--
--     shortbreaks_owner  owns everything, migrates; used by `shortbreaks migrate` alone
--     shortbreaks_serve  the service's login; owns nothing
--     shortbreaks_app    what every transaction becomes; holds the grants, cannot log in
\set ON_ERROR_STOP on
\getenv owner_password OWNER_PASSWORD
\getenv serve_password SERVE_PASSWORD
\if :{?owner_password}
    \if :{?serve_password}
        \set both yes
    \endif
\endif
\if :{?both}
\else
    DO $$ BEGIN RAISE 'set OWNER_PASSWORD and SERVE_PASSWORD'; END $$;
\endif

-- A password must not end in the server's log.
SET client_min_messages = 'warning';
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['shortbreaks_app', 'shortbreaks_owner', 'shortbreaks_serve']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

ALTER ROLE shortbreaks_app NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE shortbreaks_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE shortbreaks_serve LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'serve_password';
GRANT shortbreaks_app TO shortbreaks_owner, shortbreaks_serve;

SELECT 'CREATE DATABASE shortbreaks OWNER shortbreaks_owner TEMPLATE template0 ENCODING ''UTF8'' LC_COLLATE ''C.UTF-8'' LC_CTYPE ''C.UTF-8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'shortbreaks') \gexec
REVOKE ALL ON DATABASE shortbreaks FROM PUBLIC;
GRANT CONNECT ON DATABASE shortbreaks TO shortbreaks_serve;

\connect shortbreaks
SET client_min_messages = 'warning';
ALTER SCHEMA public OWNER TO shortbreaks_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO shortbreaks_app;

-- Here, because not all of them may be created by an owner who is no superuser.
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS cube;
CREATE EXTENSION IF NOT EXISTS earthdistance;
