-- One partition a day, made before the first row of the day is written.
CREATE TABLE hires_event(ts timestamptz NOT NULL, device int4 NOT NULL, code int2 NOT NULL, param int2 NOT NULL)
  PARTITION BY RANGE (ts);
CREATE INDEX hires_event_device_ts ON hires_event(device, ts);
CREATE TABLE detector_obs(
  ts timestamptz NOT NULL, device int4 NOT NULL, channel int2 NOT NULL, count int2 NOT NULL, occ real NOT NULL,
  speed real, flags int2 NOT NULL)
  PARTITION BY RANGE (ts);
CREATE INDEX detector_obs_device_ts ON detector_obs(device, ts);
CREATE TABLE decision(number int8 NOT NULL, ts timestamptz NOT NULL, device int4 NOT NULL, json json NOT NULL)
  PARTITION BY RANGE (ts);
CREATE INDEX decision_device_ts ON decision(device, ts);
INSERT INTO counter(name, value) VALUES ('hypertables', 0);
