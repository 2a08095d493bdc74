// The tables of state.db. docs/adr/0008 says why they are so.
//
// Threads: constants.
#pragma once

namespace drywall::store {

// A resource's text is kept once (`document`), however many generations hold it. A row of `version` says that a
// resource had that text from the generation `first` until before the generation `last` (NULL: until now). So a
// generation costs what it changed, not what there is.
inline constexpr const char* kSchemaText = R"(
CREATE TABLE generation (
    number INTEGER PRIMARY KEY, before INTEGER NOT NULL, made INTEGER NOT NULL, verb TEXT NOT NULL,
    uid INTEGER NOT NULL, gid INTEGER NOT NULL, pid INTEGER NOT NULL, login TEXT NOT NULL, comment TEXT NOT NULL,
    enforced_changed INTEGER NOT NULL, fate INTEGER NOT NULL, resources INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE change (
    generation INTEGER NOT NULL, position INTEGER NOT NULL,
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (generation, position)) WITHOUT ROWID;
CREATE TABLE document (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, text TEXT NOT NULL);
CREATE INDEX document_hash ON document (hash);
CREATE TABLE version (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER, document INTEGER NOT NULL REFERENCES document (id),
    PRIMARY KEY (kind, namespace, name, first)) WITHOUT ROWID;
CREATE INDEX version_document ON version (document);
CREATE INDEX version_last ON version (last);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
    uid INTEGER NOT NULL, gid INTEGER NOT NULL, pid INTEGER NOT NULL, login TEXT NOT NULL,
    verb TEXT NOT NULL, comment TEXT NOT NULL, outcome TEXT NOT NULL,
    before INTEGER NOT NULL, after INTEGER NOT NULL, words TEXT NOT NULL);
CREATE TABLE pending (
    only INTEGER PRIMARY KEY CHECK (only = 1), generation INTEGER NOT NULL, previous INTEGER NOT NULL,
    terms TEXT NOT NULL);
CREATE TABLE memory (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('in_force', 0), ('last_number', 0);
)";

}  // namespace drywall::store
