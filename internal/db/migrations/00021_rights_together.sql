-- +goose Up
-- What many people may do is read together: the transaction names them, and
-- sees their grants and nothing else of theirs.
CREATE POLICY role_grant_asked ON role_grant FOR SELECT USING (person_id = ANY ((SELECT app_ids('app.rights_of'))::uuid[]));
-- Kept as they were written and only ever read back whole: taking them apart
-- and putting them together again would be most of reading a quote.
ALTER TABLE quote ALTER COLUMN document TYPE json;
ALTER TABLE booking ALTER COLUMN terms TYPE json;

-- +goose Down
ALTER TABLE booking ALTER COLUMN terms TYPE jsonb;
ALTER TABLE quote ALTER COLUMN document TYPE jsonb;
DROP POLICY role_grant_asked ON role_grant;
