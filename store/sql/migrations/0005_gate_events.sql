-- A late word of a gate asks for what its car park's gates said from a time on: without this, for all they ever said.
CREATE INDEX reading_of_gates ON reading (device_id, greatest(at, received_at)) WHERE kind <> 'state';
