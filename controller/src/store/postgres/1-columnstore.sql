-- No btree on the events: chunks are ordered by device and time, and compressed.
-- The policies that come with the tables compress later than we want.
CALL remove_columnstore_policy('hires_event', if_exists => true);
CALL add_columnstore_policy('hires_event', after => interval '2 hours', if_not_exists => true);
CALL remove_columnstore_policy('detector_obs', if_exists => true);
CALL add_columnstore_policy('detector_obs', after => interval '2 days', if_not_exists => true);
