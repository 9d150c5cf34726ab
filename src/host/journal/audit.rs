//! What is verified when a journal is opened, before a row of it is believed.
//!
//! Owns the comparison with the witness and with the schema. The hash chain of a run is verified
//! by the reader, event by event, as they are read.

use std::path::Path;
use std::sync::OnceLock;

use rusqlite::{Connection, OptionalExtension};

use super::JournalError;
use super::chain::Hash;
use super::connection::Database;
use super::head::{self, Head};

pub(super) const SCHEMA: &str = include_str!("schema.sql");
/// Up to this size the whole structure is checked at each open. Above it the check would be felt;
/// the chain still covers every event that is read.
const SMALL_BYTES: i64 = 64 << 20;

/// Verifies the open journal against its schema, its structure and its witness; gives its end.
pub(super) fn admit(database: &Database) -> Result<Head, JournalError> {
    // Before the snapshot: a live writer commits first and witnesses second.
    let witness = head::read(&database.path)?;
    let head = examine(database)?;
    match witness {
        Some(witness) => compare(database, &witness, &head)?,
        None => excuse(database, &head)?,
    }
    Ok(head)
}

/// Everything [`admit`] verifies except the witness.
pub(super) fn examine(database: &Database) -> Result<Head, JournalError> {
    let failed = |error| database.error("read", error);
    let snapshot = database
        .connection
        .unchecked_transaction()
        .map_err(failed)?;
    check_schema(&snapshot, &database.path)?;
    if size_bytes(&snapshot).map_err(failed)? <= SMALL_BYTES {
        check_structure(&snapshot, &database.path)?;
    }
    let head = end(&snapshot).map_err(failed)?;
    check_density(&snapshot, database, &head)?;
    snapshot.finish().map_err(failed)?;
    Ok(head)
}

/// The witness may lag behind; it may not be ahead, and what it saw must still be there.
fn compare(database: &Database, witness: &Head, head: &Head) -> Result<(), JournalError> {
    let path = &database.path;
    if witness.runs > head.runs || witness.seq > head.seq {
        let what = format!(
            "it ends at event {} of {} runs, but `{}` saw event {} of {} runs",
            head.seq,
            head.runs,
            head::path_for(path).display(),
            witness.seq,
            witness.runs
        );
        return Err(JournalError::truncated(path, what));
    }
    let failed = |error| database.error("read", error);
    let connection = &database.connection;
    let event = hash_of(
        connection,
        "SELECT hash FROM event WHERE seq = ?1",
        witness.seq,
    );
    let run = hash_of(
        connection,
        "SELECT hash FROM run WHERE run = ?1",
        witness.runs,
    );
    if event.map_err(failed)? != witness.event_hash || run.map_err(failed)? != witness.run_hash {
        let what = "its end is not the one its witness saw; files of two journals are mixed";
        let seq = Some(witness.seq);
        return Err(JournalError::Damaged {
            path: path.clone(),
            run: None,
            seq,
            what: what.into(),
        });
    }
    Ok(())
}

/// Without a witness a journal is accepted when it is one closed file: that is what a clean close,
/// `backup` and `VACUUM INTO` leave, so a backup can be copied into place by hand. With a log
/// beside it there was a crash or a partial copy, the one case in which an end can be lost
/// unseen, and the witness was flushed into its folder before the first log was made: somebody
/// took it away, so the journal is refused.
fn excuse(database: &Database, head: &Head) -> Result<(), JournalError> {
    let mode: String = database
        .connection
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .map_err(|error| database.error("read", error))?;
    match mode == "wal" && *head != Head::default() {
        true => Err(JournalError::WitnessMissing {
            path: database.path.clone(),
        }),
        false => Ok(()),
    }
}

fn size_bytes(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    connection.query_row(sql, [], |row| row.get(0))
}

fn check_structure(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    // Not `quick_check`: it does not compare indexes with their tables, and an event that lost its
    // index entry is an event that a resume would not see.
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| JournalError::sqlite(path, "read", error))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        fault => Err(JournalError::damaged(path, fault)),
    }
}

/// Numbers are dense, so a row that was cut out leaves a hole even where no chain passes over it.
fn check_density(
    connection: &Connection,
    database: &Database,
    head: &Head,
) -> Result<(), JournalError> {
    let sql = "SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM event)";
    let small = size_bytes(connection).map_err(|error| database.error("read", error))?;
    if small > SMALL_BYTES {
        return Ok(());
    }
    let counts: (i64, i64) = connection
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(|error| database.error("read", error))?;
    match counts == (head.runs, head.seq) {
        true => Ok(()),
        false => {
            let what = format!(
                "it holds {} runs and {} events but counts to {} and {}",
                counts.0, counts.1, head.runs, head.seq
            );
            Err(JournalError::damaged(&database.path, what))
        }
    }
}

fn end(connection: &Connection) -> rusqlite::Result<Head> {
    let last = |sql: &str| -> rusqlite::Result<(i64, Hash)> {
        let row = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?.unwrap_or_default())
    };
    let (runs, run_hash) = last("SELECT run, hash FROM run ORDER BY run DESC LIMIT 1")?;
    let (seq, event_hash) = last("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")?;
    Ok(Head {
        runs,
        seq,
        run_hash,
        event_hash,
    })
}

/// The hash stored at `key`; zero when there is none, which is what an empty head holds.
fn hash_of(connection: &Connection, sql: &str, key: i64) -> rusqlite::Result<Hash> {
    let hash = connection
        .query_row(sql, [key], |row| row.get(0))
        .optional()?;
    Ok(hash.unwrap_or_default())
}

type SchemaRow = (String, String, String, Option<String>);

fn check_schema(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let found = schema_of(connection).map_err(|error| JournalError::sqlite(path, "read", error))?;
    let expected = expected_schema()
        .map_err(|error| JournalError::sqlite(Path::new(":memory:"), "open", error))?;
    match &found == expected {
        true => Ok(()),
        false => Err(JournalError::damaged(
            path,
            "its tables are not those of a coord journal",
        )),
    }
}

fn expected_schema() -> rusqlite::Result<&'static Vec<SchemaRow>> {
    static EXPECTED: OnceLock<Vec<SchemaRow>> = OnceLock::new();
    if let Some(rows) = EXPECTED.get() {
        return Ok(rows);
    }
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    let rows = schema_of(&connection)?;
    Ok(EXPECTED.get_or_init(|| rows))
}

fn schema_of(connection: &Connection) -> rusqlite::Result<Vec<SchemaRow>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name, type";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    rows.collect()
}
