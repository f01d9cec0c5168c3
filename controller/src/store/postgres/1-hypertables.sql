CREATE TABLE hires_event(ts timestamptz NOT NULL, device int4 NOT NULL, code int2 NOT NULL, param int2 NOT NULL)
  WITH (tsdb.hypertable, tsdb.partition_column='ts', tsdb.chunk_interval='1 hour', tsdb.segmentby='',
        tsdb.orderby='device, ts, code', tsdb.create_default_indexes=false);
CREATE TABLE detector_obs(
  ts timestamptz NOT NULL, device int4 NOT NULL, channel int2 NOT NULL, count int2 NOT NULL, occ real NOT NULL,
  speed real, flags int2 NOT NULL)
  WITH (tsdb.hypertable, tsdb.partition_column='ts', tsdb.chunk_interval='1 day', tsdb.segmentby='device',
        tsdb.orderby='ts, channel', tsdb.create_default_indexes=false);
CREATE INDEX detector_obs_device_ts ON detector_obs(device, ts DESC);
CREATE TABLE decision(number int8 NOT NULL, ts timestamptz NOT NULL, device int4 NOT NULL, json json NOT NULL)
  WITH (tsdb.hypertable, tsdb.partition_column='ts', tsdb.chunk_interval='1 day', tsdb.segmentby='device',
        tsdb.orderby='ts, number', tsdb.create_default_indexes=false);
CREATE INDEX decision_device_ts ON decision(device, ts DESC);
INSERT INTO counter(name, value) VALUES ('hypertables', 1);
