-- The Apache-licensed build does not compress: its chunks are rows, found by an index.
CREATE INDEX hires_event_device_ts ON hires_event(device, ts);
