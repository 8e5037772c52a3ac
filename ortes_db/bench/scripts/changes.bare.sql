\set since random(0, :orders - 1000)
SELECT * FROM bare.changes(:azi, :since);
