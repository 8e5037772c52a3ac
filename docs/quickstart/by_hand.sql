-- psql plays the store and the ERP in turns: a whole order's life, from saved to confirmed and read.
--
--     psql -X -d hub -f by_hand.sql
--     psql -X -d hub -v id_int=151 -f by_hand.sql
--     ORTES_READ_DSN='host=… dbname=…' psql …        a standby to read from, besides (psql 15); the file says as whom
--
-- psql ends with 2 when the connection is lost, with 3 after an error. When it is lost, run the file again: each call
-- finds what the first try did, and answers the same. In a shell:
--
--     until psql -X -d hub -f by_hand.sql; do [ $? = 2 ] || break; sleep 1; done
\set ON_ERROR_STOP on
\if :{?id_int} \else \set id_int 150 \endif
\getenv read_dsn ORTES_READ_DSN
\set db :DBNAME
\set host :HOST
\set port :PORT

\echo The store saves its order, and says the same again as if the answer had been lost.
\connect - shop
SELECT ortes_store.save_order('C00001', p_id_int => :id_int, p_dati => '{"items": [{"sku": "A1", "qty": 2}]}') AS id_pub \gset
SELECT ortes_store.save_order('C00001', p_id_int => :id_int, p_dati => '{"items": [{"sku": "A1", "qty": 2}]}') AS id_pub \gset
\echo It is order :id_pub

\echo Another order under the same number is refused; a script that wants to go on looks at SQLSTATE.
\set ON_ERROR_STOP off
SELECT ortes_store.save_order('C00001', p_id_int => :id_int, p_dati => '{"items": []}');
SELECT :'SQLSTATE' = 'OR006' AS is_another_order \gset
\set ON_ERROR_STOP on
\if :is_another_order
    \echo The store gives the other order a number of its own.
\else
    \warn expected OR006
    \quit
\endif

\echo The ERP finds it, creates it in its archive under a key of its own, and says so. It knows the customer as 123.
\connect - erp
\if :{?read_dsn} \connect :read_dsn' user=erp' \endif
SELECT id_pub, prov_tipo, id_int, dati FROM ortes_erp.pending('C00001') WHERE id_pub = :id_pub;
\if :{?read_dsn} \connect :db erp :host :port \endif
SELECT 'C2017' || lpad(:'id_pub', 8, '0') AS tor_chia \gset
SELECT ortes_erp.create_order('C00001', :id_pub, p_autore_cod => 123);
SELECT ortes_erp.acquire_order('C00001', :id_pub, :'tor_chia') AS id_sincro \gset

\echo The ERP confirms it, provided that nobody has changed it since: else OR009, and it looks at the order again.
SELECT * FROM ortes_erp.export_order('C00001', :'tor_chia', p_conferma => 'ABCD', p_id_pub => :id_pub, p_if_sincro => :id_sincro);

\echo The store reads what changed since it last confirmed, takes it over, and confirms how far it got.
\connect - shop
\if :{?read_dsn} \connect :read_dsn' user=shop' \endif
SELECT id_pub, tor_chia, conferma, id_sincro FROM ortes_store.changes('C00001');
SELECT array_agg(id_pub) AS id_pubs, max(id_sincro) AS last FROM ortes_store.changes('C00001') \gset
\if :{?read_dsn} \connect :db shop :host :port \endif
\if :{?last}
    SELECT ortes_store.import_orders('C00001', :'id_pubs');
    SELECT ortes_store.confirm('C00001', :last);
\else
    \echo Nothing that is not confirmed yet. (From a standby, which may lag: run the file again.)
\endif
