-- +goose Up
-- A statement that must change so many rows, and its commit, can go to the
-- database together only if the database itself says no to another number.
-- +goose StatementBegin
CREATE FUNCTION changed_exactly(changed bigint, wanted bigint, doing text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF changed IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION '%: % of % rows were there to be changed', doing, changed, wanted USING ERRCODE = 'SB001';
    END IF;
    RETURN true;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION changed_exactly(bigint, bigint, text);
