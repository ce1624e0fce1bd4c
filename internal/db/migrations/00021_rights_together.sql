-- +goose Up
-- What many people may do is read together: the transaction names them, and
-- sees their grants and nothing else of theirs.
CREATE POLICY role_grant_asked ON role_grant FOR SELECT USING (person_id = ANY ((SELECT app_ids('app.rights_of'))::uuid[]));

-- +goose Down
DROP POLICY role_grant_asked ON role_grant;
