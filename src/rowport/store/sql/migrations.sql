-- lock_migrations --
SELECT pg_advisory_lock(7239871001);

-- unlock_migrations --
SELECT pg_advisory_unlock(7239871001);

-- wait_briefly --
-- Who waits for a table makes all who come later wait behind him, also the second transaction of one
-- that he waits for: neither would ever go on.
SET LOCAL lock_timeout = '1s';

-- has_migrations --
SELECT to_regclass('rowport.migrations') IS NOT NULL AS present;

-- applied_migrations --
SELECT number, name
FROM rowport.migrations
ORDER BY number;

-- create_schemas --
-- The queue's own file names its tables bare: it is applied with its schema first in the path.
CREATE SCHEMA IF NOT EXISTS rowport;
CREATE SCHEMA IF NOT EXISTS rowport_jobs;
CREATE TABLE rowport.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
SET LOCAL search_path = rowport_jobs;

-- mark_migration --
INSERT INTO rowport.migrations (number, name)
VALUES (%(number)s, %(name)s);
