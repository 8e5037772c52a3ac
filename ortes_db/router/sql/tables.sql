-- What the router itself keeps: which shards there are, which company lives where, and how logins reach the shards.
-- Run at every deploy of the router; a later column is added where it is missing, and only there: ALTER TABLE locks the
-- callers out even if it finds nothing to do.

CREATE TABLE IF NOT EXISTS ortes_router.shard (
    name text COLLATE "C" NOT NULL,
    part integer NOT NULL GENERATED ALWAYS AS IDENTITY (MINVALUE 0 START WITH 0),
    options text NOT NULL,
    accepts boolean NOT NULL DEFAULT true,
    closed boolean NOT NULL DEFAULT false,
    weight double precision NOT NULL DEFAULT 1,
    added_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shard_pkey PRIMARY KEY (name),
    CONSTRAINT shard_part_key UNIQUE (part),
    CONSTRAINT shard_part_check CHECK (part BETWEEN 0 AND 255),
    CONSTRAINT shard_weight_check CHECK (weight > 0)
);
DO $shard$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = 'ortes_router.shard'::regclass AND a.attname = 'hangs_since'
    ) THEN
        ALTER TABLE ortes_router.shard
            ADD COLUMN hangs_since timestamptz,
            ADD COLUMN is_open boolean NOT NULL GENERATED ALWAYS AS (NOT closed AND hangs_since IS NULL) STORED;
    END IF;
END
$shard$;
COMMENT ON TABLE ortes_router.shard IS 'The shards: hubs that hold a part of the companies each.';
COMMENT ON COLUMN ortes_router.shard.name IS 'The shard''s name here.';
COMMENT ON COLUMN ortes_router.shard.part IS 'Its number for PL/Proxy; never given to another shard, not even after it was removed.';
COMMENT ON COLUMN ortes_router.shard.options IS 'How this server reaches it: a libpq connection string without user and password.';
COMMENT ON COLUMN ortes_router.shard.accepts IS 'Whether new companies may be put here.';
COMMENT ON COLUMN ortes_router.shard.closed IS 'Whether a DBA says that it is down: calls for its companies are refused without trying.';
COMMENT ON COLUMN ortes_router.shard.hangs_since IS
    'Since when it has not answered `ortes router watch`, which opens it again when it does; null: not so.';
COMMENT ON COLUMN ortes_router.shard.is_open IS 'Whether calls for its companies are tried: nobody has closed it, and it does not hang.';
COMMENT ON COLUMN ortes_router.shard.weight IS 'Its room beside the others: one with 2 gets twice the companies of one with 1.';
COMMENT ON COLUMN ortes_router.shard.added_at IS 'When it was added.';

CREATE TABLE IF NOT EXISTS ortes_router.company (
    azi text COLLATE "C" NOT NULL,
    shard text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT company_pkey PRIMARY KEY (azi),
    CONSTRAINT company_shard_fkey FOREIGN KEY (shard) REFERENCES ortes_router.shard (name) ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS company_shard_idx ON ortes_router.company (shard);
COMMENT ON TABLE ortes_router.company IS 'The directory: on which shard each company lives.';
COMMENT ON COLUMN ortes_router.company.azi IS 'Company code.';
COMMENT ON COLUMN ortes_router.company.shard IS 'The shard that answers its calls.';
COMMENT ON COLUMN ortes_router.company.since IS 'Since when it does.';

CREATE TABLE IF NOT EXISTS ortes_router.login (
    name text COLLATE "C" NOT NULL,
    password text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT login_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE ortes_router.login IS
    'The passwords with which the logins reach the shards. A login without one is let in by what the shards'' pg_hba.conf says.';
COMMENT ON COLUMN ortes_router.login.name IS 'Name of the login, here and on the shards.';
COMMENT ON COLUMN ortes_router.login.password IS 'Its password on the shards, in clear, as in a user mapping. For the owner alone.';
COMMENT ON COLUMN ortes_router.login.set_at IS 'When it was set.';

CREATE TABLE IF NOT EXISTS ortes_router.generation (
    number integer NOT NULL
);
INSERT INTO ortes_router.generation (number) SELECT 1 WHERE NOT EXISTS (SELECT FROM ortes_router.generation);
COMMENT ON TABLE ortes_router.generation IS 'One row. Rises with every change of shards or passwords, so that sessions read them anew.';
COMMENT ON COLUMN ortes_router.generation.number IS 'How often that was.';

-- A sequence, because who reads it sees it as it is now, whatever snapshot its transaction keeps.
CREATE SEQUENCE IF NOT EXISTS ortes_router.last_switch AS bigint MINVALUE 0 START WITH 0;
COMMENT ON SEQUENCE ortes_router.last_switch IS 'The last transaction that changed the directory.';

CREATE TABLE IF NOT EXISTS ortes_router.move (
    azi text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    target text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    step text COLLATE "C" NOT NULL DEFAULT 'copying',
    snapshot text,
    begun_at timestamptz NOT NULL DEFAULT now(),
    step_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT move_pkey PRIMARY KEY (azi),
    CONSTRAINT move_source_fkey FOREIGN KEY (source) REFERENCES ortes_router.shard (name) ON UPDATE CASCADE,
    CONSTRAINT move_target_fkey FOREIGN KEY (target) REFERENCES ortes_router.shard (name) ON UPDATE CASCADE,
    CONSTRAINT move_step_check CHECK (step IN ('copying', 'undoing', 'switched', 'clearing')),
    CONSTRAINT move_snapshot_check CHECK (snapshot IS NOT NULL OR step IN ('copying', 'undoing'))
);
COMMENT ON TABLE ortes_router.move IS 'The moves that are not finished: under way, or interrupted.';
COMMENT ON COLUMN ortes_router.move.azi IS 'Company code.';
COMMENT ON COLUMN ortes_router.move.source IS 'The shard that it leaves.';
COMMENT ON COLUMN ortes_router.move.target IS 'The shard that it goes to.';
COMMENT ON COLUMN ortes_router.move.name IS 'Of the publication and the slot on the one, and of the subscription on the other.';
COMMENT ON COLUMN ortes_router.move.step IS
    'copying: it can be undone; undoing; switched: the other shard serves the company; clearing: the old copy is being deleted.';
COMMENT ON COLUMN ortes_router.move.snapshot IS 'What was committed on the source at the switch (a pg_snapshot of that server).';
COMMENT ON COLUMN ortes_router.move.begun_at IS 'When it was begun.';
COMMENT ON COLUMN ortes_router.move.step_at IS 'Since when it is at this step.';

CREATE TABLE IF NOT EXISTS ortes_router.made (
    release text NOT NULL,
    fingerprint text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ortes_router.made IS 'One row: what the last deploy of the router made its doors from.';
COMMENT ON COLUMN ortes_router.made.release IS 'The release of the shards.';
COMMENT ON COLUMN ortes_router.made.fingerprint IS 'Of all functions and views as it left them, to tell what was changed by hand.';
COMMENT ON COLUMN ortes_router.made.at IS 'When.';
