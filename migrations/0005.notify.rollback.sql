SET LOCAL ROLE ortes_owner;

COMMENT ON COLUMN ortes.history.id_pub IS 'The order''s public id; null: the company''s audit itself was switched.';
ALTER TABLE ortes.apstatosyn DROP COLUMN notify;
