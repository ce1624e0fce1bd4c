package db

// MigrationFiles lets a test take the schema down and up again.
var MigrationFiles = embedded
