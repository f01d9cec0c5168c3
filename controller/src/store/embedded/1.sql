-- Times are milliseconds since 1970 UTC.
CREATE TABLE device(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
-- The key also makes an event that was delivered twice one row.
CREATE TABLE hires_event(
  device INTEGER NOT NULL, ts INTEGER NOT NULL, code INTEGER NOT NULL, param INTEGER NOT NULL,
  PRIMARY KEY (device, ts, code, param)) WITHOUT ROWID;
CREATE TABLE detector_obs(
  ts INTEGER NOT NULL, device INTEGER NOT NULL, channel INTEGER NOT NULL, count INTEGER NOT NULL,
  occ REAL NOT NULL, speed REAL, flags INTEGER NOT NULL);
CREATE INDEX detector_obs_device_ts ON detector_obs(device, ts);
CREATE TABLE decision(number INTEGER NOT NULL, ts INTEGER NOT NULL, device INTEGER NOT NULL, json TEXT NOT NULL);
CREATE INDEX decision_device_ts ON decision(device, ts);
CREATE TABLE audit(
  instance TEXT NOT NULL, number INTEGER NOT NULL, ts INTEGER NOT NULL, entry TEXT NOT NULL, hash BLOB NOT NULL,
  PRIMARY KEY (instance, number)) WITHOUT ROWID;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;
