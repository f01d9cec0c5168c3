-- How many rows of each kind a centre has written in its last life: in the transaction of the rows themselves, so that a batch whose
-- answer was lost is not written twice.
CREATE TABLE written(instance text PRIMARY KEY, run text NOT NULL, up_to int8[] NOT NULL);
