-- Where a log no longer goes back to its beginning: what came before is frozen, and checkpoints seed the fold.

ALTER TABLE log_head ADD COLUMN begins_at timestamptz;
COMMENT ON COLUMN log_head.begins_at IS 'Readings of before may have been dropped: nothing can be folded again from an earlier instant. NULL: the log is whole';

-- An engine that runs while the log is dropped must not go on as if it were whole: its next swap finds another value here.
ALTER TABLE generation ADD COLUMN begins_at timestamptz;
COMMENT ON COLUMN generation.begins_at IS 'log_head.begins_at as whoever folds this generation must know it';

ALTER TABLE device_checkpoint ADD COLUMN frozen boolean NOT NULL DEFAULT false;
ALTER TABLE count_checkpoint ADD COLUMN frozen boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN device_checkpoint.frozen IS 'The log does not go further back for this sensor: nothing older can be taken up any more';
COMMENT ON COLUMN count_checkpoint.frozen IS 'The log does not go further back for this car park: nothing older can be taken up any more';
CREATE INDEX device_checkpoint_frozen ON device_checkpoint (area, generation) WHERE frozen;
CREATE INDEX count_checkpoint_frozen ON count_checkpoint (area, generation) WHERE frozen;

-- Checkpoints of car parks lie elsewhere from now on, and say how many events they hold: the next absolute count begins the
-- counting anew, or the rebuild that another version of the engine begins with.
DELETE FROM count_fold;
DELETE FROM count_checkpoint;
