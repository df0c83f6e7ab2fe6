"""A PostgreSQL of Rowport's own: one cluster for each home, started on need, gone when unused.

    client process ──shared flock──▶ clients.lock ◀──tries the exclusive flock── supervisor
                                     owner.lock   ◀──exclusive flock──────────── supervisor
                                                                                     │ child
                                                                                  postgres

A client (`client.EmbeddedPostgres`) holds a shared lock for as long as it lives.  A small detached
supervisor holds the owner lock, starts the server as its direct child, restarts it when it dies,
and stops it once the exclusive lock on the clients' file can be had, that is when nobody is left.
The kernel drops a lock with its process, so no list of processes can ever be wrong.

This package imports nothing at its top, so that the supervisor stays small.
"""
