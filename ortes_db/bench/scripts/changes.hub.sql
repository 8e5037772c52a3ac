\set since random(0, :orders - 1000)
SELECT * FROM ortes_store.changes(:azi, :since, 1000);
