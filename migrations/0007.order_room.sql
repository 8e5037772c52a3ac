-- depends: 0006.counter_room

SET LOCAL ROLE ortes_owner;

-- An order is updated four times in its life. With room on its page, two of them touch no index and the page is tidied without
-- vacuum. Measured over 30,000 lives in batches, before any vacuum: 100 per cent 54 MB and 118 MB of WAL, 60 per cent 26 and 95,
-- 50 per cent 25 and 91. Orders that come by restore are packed alike.
ALTER TABLE ortes.arportes SET (fillfactor = 50);
