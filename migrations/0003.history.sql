-- depends: 0002.tables

SET LOCAL ROLE ortes_owner;

-- With the counters, because whoever draws a number reads that row anyway.
ALTER TABLE ortes.apstatosyn ADD COLUMN audit boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ortes.apstatosyn.audit IS
    'Whether changes of the company''s orders are written to ortes.history; both rows say the same.';

-- No key, because a number from a sequence would not travel by logical replication, and a time can come twice.
CREATE TABLE ortes.history (
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    azi text COLLATE "C" NOT NULL,
    id_pub bigint,
    login text COLLATE "C" NOT NULL DEFAULT session_user,
    door text COLLATE "C",
    was jsonb,
    became jsonb NOT NULL
);
ALTER TABLE ortes.history REPLICA IDENTITY FULL;
CREATE INDEX history_order_idx ON ortes.history (azi, id_pub, at);
CREATE INDEX history_at_idx ON ortes.history (at);
COMMENT ON TABLE ortes.history IS
    'Who changed an order, when, through which door, from what to what. Written by triggers; nobody changes what stands here.';
COMMENT ON COLUMN ortes.history.at IS 'When it was changed (the clock, not the start of the transaction).';
COMMENT ON COLUMN ortes.history.azi IS 'Company code.';
COMMENT ON COLUMN ortes.history.id_pub IS 'The order''s public id; null: the company''s audit itself was switched.';
COMMENT ON COLUMN ortes.history.login IS 'Who was logged in (session_user).';
COMMENT ON COLUMN ortes.history.door IS 'The door it came through; null: a statement by hand.';
COMMENT ON COLUMN ortes.history.was IS 'What changed, as it was; null: the order is new. With it, unchanged columns of the same writer.';
COMMENT ON COLUMN ortes.history.became IS
    'The same, as it became. The content first saved is not kept a second time: ortes_ops.history adds it.';

-- What was purged stays on record, and is what allows a deletion from ortes.history.
CREATE TABLE ortes.history_purge (
    purged_before timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    login text COLLATE "C" NOT NULL DEFAULT session_user,
    CONSTRAINT history_purge_pkey PRIMARY KEY (purged_before),
    CONSTRAINT history_purge_check CHECK (purged_before <= at)
);
COMMENT ON TABLE ortes.history_purge IS 'Up to when ortes.history was given up for deletion, by whom and when.';
COMMENT ON COLUMN ortes.history_purge.purged_before IS 'Older entries of ortes.history may be deleted.';
COMMENT ON COLUMN ortes.history_purge.at IS 'When that was said.';
COMMENT ON COLUMN ortes.history_purge.login IS 'Who was logged in (session_user).';
