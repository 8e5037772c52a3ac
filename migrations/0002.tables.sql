-- depends: 0001.roles

SET LOCAL ROLE ortes_owner;

CREATE TABLE ortes.company (
    azi text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT company_pkey PRIMARY KEY (azi),
    CONSTRAINT company_azi_check CHECK (azi <> '' AND length(azi) <= 32)
);
COMMENT ON TABLE ortes.company IS 'The companies that exchange orders through this hub.';
COMMENT ON COLUMN ortes.company.azi IS 'Company code (A-ORTES-AZI), 1 to 32 characters.';
COMMENT ON COLUMN ortes.company.created_at IS 'When the company was created here.';

-- Two rows a company, each updated by every order: room on the page keeps the updates HOT.
-- No CHECK here nor on arportes: PostgreSQL parses each anew in every statement, which costs
-- more than the row. The triggers check instead.
CREATE TABLE ortes.apstatosyn (
    azi text COLLATE "C" NOT NULL,
    contatore text COLLATE "C" NOT NULL,
    valore bigint NOT NULL DEFAULT 0,
    CONSTRAINT apstatosyn_pkey PRIMARY KEY (azi, contatore)
) WITH (fillfactor = 50);
COMMENT ON TABLE ortes.apstatosyn IS
    'The sync state (APSTATOSYN): per company, the counter of the public ids and the counter of the changes.';
COMMENT ON COLUMN ortes.apstatosyn.azi IS 'Company code.';
COMMENT ON COLUMN ortes.apstatosyn.contatore IS 'Which counter: ID-PUB or ID-SINCRO.';
COMMENT ON COLUMN ortes.apstatosyn.valore IS 'The last number given out; 0 = none yet. Never goes back.';

CREATE TABLE ortes.arportes (
    azi text COLLATE "C" NOT NULL,
    id_pub bigint NOT NULL,
    tor_chia text COLLATE "C",
    conferma text,
    id_int bigint,
    ack_store boolean NOT NULL DEFAULT false,
    ack_gest boolean NOT NULL DEFAULT false,
    ack_app boolean NOT NULL DEFAULT false,
    prov_tipo text COLLATE "C" NOT NULL,
    prov_id integer,
    autore_tipo text COLLATE "C" NOT NULL,
    autore_cod bigint NOT NULL DEFAULT 0,
    id_sincro bigint NOT NULL DEFAULT 0,
    dati jsonb,
    dati_digest bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT arportes_pkey PRIMARY KEY (azi, id_pub)
);
CREATE UNIQUE INDEX arportes_origin_key ON ortes.arportes (azi, prov_tipo, prov_id, id_int)
    NULLS NOT DISTINCT WHERE id_int IS NOT NULL;
CREATE UNIQUE INDEX arportes_tor_chia_key ON ortes.arportes (azi, tor_chia) WHERE tor_chia IS NOT NULL;
CREATE UNIQUE INDEX arportes_changes_key ON ortes.arportes (azi, id_sincro) WHERE id_sincro > 0;
CREATE INDEX arportes_pending_idx ON ortes.arportes (azi, id_pub) WHERE NOT ack_gest;

COMMENT ON TABLE ortes.arportes IS 'The orders (ARPORTES), one row each. Its triggers hold the rules, whoever writes.';
COMMENT ON COLUMN ortes.arportes.azi IS 'Company code (A-ORTES-AZI).';
COMMENT ON COLUMN ortes.arportes.id_pub IS 'Public id, 1, 2, 3 … per company; given out by the hub at the insert.';
COMMENT ON COLUMN ortes.arportes.tor_chia IS 'The ERP''s order key; null until the ERP has acquired the order. Unique per company.';
COMMENT ON COLUMN ortes.arportes.conferma IS 'The ERP''s confirmation number; null = not confirmed yet.';
COMMENT ON COLUMN ortes.arportes.id_int IS 'The order''s id inside the store or device that made it; null for orders of the ERP.';
COMMENT ON COLUMN ortes.arportes.ack_store IS 'The store has this order.';
COMMENT ON COLUMN ortes.arportes.ack_gest IS 'The ERP has this order.';
COMMENT ON COLUMN ortes.arportes.ack_app IS 'The app has this order.';
COMMENT ON COLUMN ortes.arportes.prov_tipo IS 'Where it was made: S store, A app, G ERP.';
COMMENT ON COLUMN ortes.arportes.prov_id IS 'Which device, or which store where a company has several; else null.';
COMMENT ON COLUMN ortes.arportes.autore_tipo IS 'Who wrote it: C customer, T app user, O ERP operator.';
COMMENT ON COLUMN ortes.arportes.autore_cod IS 'That author''s code; 0 = the ERP does not know it yet.';
COMMENT ON COLUMN ortes.arportes.id_sincro IS 'Number of the ERP''s last change of this row, per company; 0 = the ERP has not changed it.';
COMMENT ON COLUMN ortes.arportes.dati IS 'The order''s content; the hub does not look inside.';
COMMENT ON COLUMN ortes.arportes.dati_digest IS
    'SHA-256 of the content first saved, by which a repeated call is recognised; null while the content is still that.';
COMMENT ON COLUMN ortes.arportes.created_at IS 'When the row was inserted (start of that transaction).';
COMMENT ON COLUMN ortes.arportes.updated_at IS 'When the row was last changed (start of that transaction).';

-- What outsiders see of an order: arportes without its bookkeeping.
CREATE TYPE ortes.orders AS (
    azi text,
    id_pub bigint,
    tor_chia text,
    conferma text,
    id_int bigint,
    ack_store boolean,
    ack_gest boolean,
    ack_app boolean,
    prov_tipo text,
    prov_id integer,
    autore_tipo text,
    autore_cod bigint,
    id_sincro bigint,
    dati jsonb,
    created_at timestamptz,
    updated_at timestamptz
);
COMMENT ON TYPE ortes.orders IS 'An order as the doors show it.';

CREATE TABLE ortes.access (
    login text COLLATE "C" NOT NULL,
    azi text COLLATE "C" NOT NULL,
    device integer,
    CONSTRAINT access_key UNIQUE NULLS NOT DISTINCT (login, azi, device),
    CONSTRAINT access_azi_fkey FOREIGN KEY (azi) REFERENCES ortes.company (azi)
);
-- Keys with a null in them can't identify a row to logical replication.
ALTER TABLE ortes.access REPLICA IDENTITY FULL;
COMMENT ON TABLE ortes.access IS 'Which login may act for which company.';
COMMENT ON COLUMN ortes.access.login IS 'Name of the login role, as session_user says it.';
COMMENT ON COLUMN ortes.access.azi IS 'Company code.';
COMMENT ON COLUMN ortes.access.device IS 'The one device an app login acts as; null = no such limit.';

CREATE TABLE ortes.reader (
    azi text COLLATE "C" NOT NULL,
    prov_tipo text COLLATE "C" NOT NULL,
    prov_id integer,
    id_sincro bigint NOT NULL,
    confirmed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reader_key UNIQUE NULLS NOT DISTINCT (azi, prov_tipo, prov_id),
    CONSTRAINT reader_azi_fkey FOREIGN KEY (azi) REFERENCES ortes.company (azi),
    CONSTRAINT reader_prov_tipo_check CHECK (prov_tipo IN ('S', 'A')),
    CONSTRAINT reader_id_sincro_check CHECK (id_sincro >= 0)
);
ALTER TABLE ortes.reader REPLICA IDENTITY FULL;
COMMENT ON TABLE ortes.reader IS 'How far each store and device has confirmed the changes it read.';
COMMENT ON COLUMN ortes.reader.azi IS 'Company code.';
COMMENT ON COLUMN ortes.reader.prov_tipo IS 'S store, A app.';
COMMENT ON COLUMN ortes.reader.prov_id IS 'Which device, or which store where a company has several; else null.';
COMMENT ON COLUMN ortes.reader.id_sincro IS 'The last ID-SINCRO confirmed.';
COMMENT ON COLUMN ortes.reader.confirmed_at IS 'When it was confirmed.';
