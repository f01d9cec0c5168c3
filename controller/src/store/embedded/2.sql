-- Events and readings as column blocks. `kind` is 0 for hi-res events, 1 for detector readings; `first` and `last` are
-- the times of the rows in a blob, ms. Narrow columns stand before the blobs, so that a scan need not walk these.
-- A batch as it came: rows of all devices, device by device; `directory` says where each one's are.
CREATE TABLE tail(
  number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  rows INTEGER NOT NULL, directory BLOB NOT NULL, data BLOB NOT NULL);
-- What one device said within one hour since 1970, in parts that do not overlap in time; `volumes` are the vehicles of
-- the part by channel.
CREATE TABLE block(
  kind INTEGER NOT NULL, device INTEGER NOT NULL, hour INTEGER NOT NULL, part INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL, volumes BLOB NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (kind, device, hour, part));
CREATE INDEX block_further_parts ON block(hour, kind, device) WHERE part > 0;
-- Forgetting goes by the hour, whatever the device.
CREATE INDEX block_hour ON block(hour);
