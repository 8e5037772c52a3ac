-- depends: 0005.notify

SET LOCAL ROLE ortes_owner;

-- A page that is full for a moment makes the table grow, and with many clients by twenty pages at once. Measured with
-- 16 clients over 64 companies: 50 per cent 2 to 283 pages, 25 per cent 4 pages and every update HOT.
ALTER TABLE ortes.apstatosyn SET (fillfactor = 25);
