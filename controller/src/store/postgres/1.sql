CREATE TABLE device(number int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE);
CREATE TABLE counter(name text PRIMARY KEY, value int8 NOT NULL);
CREATE TABLE audit(
  instance text NOT NULL, number int8 NOT NULL, ts timestamptz NOT NULL, entry text NOT NULL, hash bytea NOT NULL,
  PRIMARY KEY (instance, number));
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the audit is append only'; END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION audit_stays();
