-- The examples of docs/reference.md, one story from top to bottom: `make docs` runs them and writes down the answers.
-- A block begins with who runs it (hidden: without being shown), ends with an empty line, and stands under the first
-- door or view that it names. What differs from run to run, such as times, is not selected.

-- ops
SELECT ortes_ops.create_company('C00001');

-- ops
SELECT ortes_ops.grant_access('shop', 'C00001'), ortes_ops.grant_access('erp', 'C00001');
SELECT ortes_ops.grant_access('phone', 'C00001', p_device => 50);

-- ops
SELECT ortes_ops.set_audit('C00001', true);

-- ops
SELECT ortes_ops.set_notify('C00001', true);

-- ops
SELECT ortes_ops.set_counter('C00001', 'ID-PUB', 100);

-- ops
SELECT ortes_ops.set_counter('C00001', 'ID-PUB', 99);

-- shop
SELECT ortes_store.save_order('C00001', p_id_int => 150, p_dati => '{"items": [{"sku": "A1", "qty": 2}]}');

-- shop
SELECT ortes_store.save_order('C00001', p_id_int => 150, p_dati => '{"items": []}');

-- shop
SELECT ortes_store.save_order('C00002', p_id_int => 150);

-- shop
SELECT * FROM ortes_store.save_orders('C00001', '[{"id_int": 151}, {"id_int": 152, "autore_cod": 80}]');

-- shop
SELECT * FROM ortes_store.save_orders('C00001', '[{"id_int": 153}, {"id_int": "154"}]');

-- phone
SELECT ortes_app.save_order('C00001', p_device => 50, p_id_int => 150, p_autore_cod => 15);

-- phone
SELECT ortes_app.save_order('C00001', p_device => 51, p_id_int => 150, p_autore_cod => 15);

-- phone
SELECT * FROM ortes_app.save_orders('C00001', 50, '[{"id_int": 151, "autore_cod": 15, "dati": {"items": []}}]');

-- ops
SELECT azi, orders, pending, id_pub, id_sincro FROM ortes_ops.status;

-- erp
SELECT id_pub, prov_tipo, prov_id, id_int, autore_cod FROM ortes_erp.pending('C00001', p_limit => 4);

-- erp
SELECT ortes_erp.create_order('C00001', 101, p_autore_cod => 123);

-- erp
SELECT ortes_erp.acquire_order('C00001', 101, 'C201700001230');

-- erp
SELECT ortes_erp.acquire_order('C00001', 999, 'C201700001240');

-- erp
SELECT * FROM ortes_erp.acquire_orders('C00001', '[{"id_pub": 102, "tor_chia": "C201700001250"},
    {"id_pub": 104, "tor_chia": "C201700001260"}]');

-- erp
SELECT * FROM ortes_erp.export_order('C00001', 'C201700001230', p_conferma => 'ABCD', p_id_pub => 101, p_if_sincro => 1);

-- erp
SELECT * FROM ortes_erp.export_order('C00001', 'C201700001230', p_conferma => 'ABCE', p_id_pub => 101, p_if_sincro => 1);

-- erp
SELECT * FROM ortes_erp.export_order('C00001', 'C201700001230', p_autore_cod => 123);

-- erp
SELECT * FROM ortes_erp.export_orders('C00001', '[{"tor_chia": "C201700002150", "conferma": "CK3", "autore_cod": 75},
    {"tor_chia": "C201700001250", "id_pub": 102, "conferma": "CDEF"}]');

-- shop
SELECT id_pub, id_int, tor_chia, conferma, id_sincro FROM ortes_store.changes('C00001');

-- shop
SELECT * FROM ortes_store.changes('C00001', p_since => 700);

-- shop
SELECT ortes_store.import_order('C00001', 104);

-- shop
SELECT ortes_store.import_orders('C00001', '{104, 106}');

-- shop
SELECT ortes_store.confirm('C00001', 6);

-- shop
SELECT ortes_store.position('C00001');

-- phone
SELECT id_pub, id_int, tor_chia, conferma, id_sincro FROM ortes_app.changes('C00001', 50, p_since => 3);

-- phone
SELECT ortes_app.import_order('C00001', 50, 101);

-- phone
SELECT ortes_app.import_orders('C00001', 50, '{101, 102, 106}');

-- phone
SELECT ortes_app.confirm('C00001', 50, 4);

-- phone
SELECT ortes_app.position('C00001', 50);

-- ops
SELECT id_pub, state, waiting_for FROM ortes_ops.find_order('C00001', p_tor_chia => 'C201700001260');

-- ops
SELECT id_pub, state, waiting_for FROM ortes_ops.find_order('C00001', p_id_int => 152, p_prov_tipo => 'S');

-- ops
SELECT prov_tipo, prov_id, confirmed, up_to_date FROM ortes_ops.order_readers('C00001', 102);

-- ops
SELECT login, door, change FROM ortes_ops.order_history('C00001', 101);

-- ops
SELECT login, door, was, became FROM ortes_ops.history('C00001', 101);

-- ops
SELECT prov_tipo, prov_id, position, lag_rows FROM ortes_ops.readers;

-- ops
SELECT ortes_ops.rewind_reader('C00001', 'A', 0, p_prov_id => 50);

-- ops
SELECT release FROM ortes_ops.release;

-- ops
SELECT azi, pending, id_pub, id_sincro FROM ortes_ops.backlog;

-- ops
SELECT * FROM ortes_ops.counters;

-- ops
SELECT id_pub, tor_chia, ack_store, ack_gest, ack_app, prov_tipo, id_sincro FROM ortes_ops.orders WHERE NOT ack_gest;

-- shop, hidden
BEGIN; SELECT ortes_store.save_order('C00001', 160);

-- ops
SELECT azi, holds, login, application_name FROM ortes_ops.holders;

-- shop, hidden
COMMIT;

-- ops
SELECT ortes_ops.revoke_access('phone', 'C00001', p_device => 50);

-- ops
SELECT ortes_ops.count_history(now() - interval '1 year');

-- ops
SELECT ortes_ops.purge_history(now() - interval '1 year');
