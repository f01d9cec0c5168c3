-- What people work on (tickets, drafts of plans, incidents): the newest state of each. Closed ones are forgotten with old rows.
CREATE TABLE document(
  instance text NOT NULL, kind text NOT NULL, id text NOT NULL, ts timestamptz NOT NULL, closed bool NOT NULL,
  json jsonb NOT NULL, PRIMARY KEY (instance, kind, id));
