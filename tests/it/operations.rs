//! What `docs/OPERATIONS.md` has operators do: keys that are replaced, a backup that is restored, rights in Redis, upgrades.

mod migrations;
mod redis_rights;
mod restore;
mod secrets;
