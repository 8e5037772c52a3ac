-- What earlier releases had and this one has not, dropped by name. Runs first; nothing to drop is no error. Trigger
-- functions take their triggers along: DROP TRIGGER would keep readers out of the table even where there is none.

DROP FUNCTION IF EXISTS ortes.history_begin() CASCADE;
DROP FUNCTION IF EXISTS ortes.history_insert() CASCADE;
DROP FUNCTION IF EXISTS ortes.history_update() CASCADE;
DROP FUNCTION IF EXISTS ortes.changes(text, text, integer, bigint, integer);
DROP FUNCTION IF EXISTS ortes.number_setting(text);
DROP FUNCTION IF EXISTS ortes.put_back_numbers(text);
DROP FUNCTION IF EXISTS ortes.raise_standby();
DROP FUNCTION IF EXISTS ortes.next_number(text, text);
