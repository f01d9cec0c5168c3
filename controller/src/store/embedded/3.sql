-- What people work on (tickets, drafts of plans, incidents): the newest state of each, as JSON. `closed` ones are forgotten
-- with old rows.
CREATE TABLE document(
  instance TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, ts INTEGER NOT NULL, closed INTEGER NOT NULL,
  json TEXT NOT NULL, PRIMARY KEY (instance, kind, id)) WITHOUT ROWID;
