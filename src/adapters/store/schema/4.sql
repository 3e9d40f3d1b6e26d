-- The outbox's lines: only the first of a line can leave, and a channel that is down for an hour leaves thousands behind it.
-- Looking for what is due must not read them all.
ALTER TABLE outbox ADD COLUMN first INTEGER NOT NULL DEFAULT 0; -- 1: nothing older of its line is pending
UPDATE outbox SET first = 1 WHERE state = 'pending' AND NOT EXISTS (
    SELECT 1 FROM outbox e WHERE e.state = 'pending' AND e.contact = outbox.contact AND e.channel = outbox.channel
        AND e.dedup_key = outbox.dedup_key AND e.id < outbox.id);
CREATE TRIGGER outbox_next_of_line AFTER UPDATE OF state ON outbox WHEN old.state = 'pending' AND new.state <> 'pending'
BEGIN
    UPDATE outbox SET first = 1 WHERE id = (
        SELECT min(id) FROM outbox WHERE state = 'pending' AND contact = new.contact AND channel = new.channel
            AND dedup_key = new.dedup_key);
END;
DROP INDEX outbox_place;
DROP INDEX outbox_due;
CREATE INDEX outbox_place ON outbox (contact, channel, next_at) WHERE state = 'pending' AND first = 1;
CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'pending' AND first = 1;
