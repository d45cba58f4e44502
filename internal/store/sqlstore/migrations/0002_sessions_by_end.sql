-- +goose Up
CREATE INDEX sessions_by_end ON sessions (realm, expires);
