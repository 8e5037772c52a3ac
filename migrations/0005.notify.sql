-- depends: 0004.access_probe

SET LOCAL ROLE ortes_owner;

-- With the counters, like audit: whoever draws a number reads that row anyway.
ALTER TABLE ortes.apstatosyn ADD COLUMN notify boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN ortes.apstatosyn.notify IS
    'Whether a transaction that draws a number notifies channel ortes, payload azi; both rows say the same.';

COMMENT ON COLUMN ortes.history.id_pub IS
    'The order''s public id; null: a switch of the company itself (its history, its notifications).';
